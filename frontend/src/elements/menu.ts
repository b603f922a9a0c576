// <pr-menu>: a button and the popover it opens. The browser's own popover does the opening, so it works before this file is here;
// this file adds the place (below the button, inside the window) and the arrow keys.

export class Menu extends HTMLElement {
  connectedCallback(): void {
    const pop = this.querySelector<HTMLElement>("[popover]");
    if (!pop) return;
    pop.addEventListener("toggle", (event) => this.#toggled(pop, (event as ToggleEvent).newState === "open"));
    pop.addEventListener("keydown", (event) => move(pop, event));
    pop.addEventListener("click", (event) => (event.target as Element).closest("[role^=menuitem]:not([data-stay])") && pop.hidePopover());
  }

  #toggled(pop: HTMLElement, open: boolean): void {
    const button = this.querySelector<HTMLElement>("[popovertarget]")!;
    button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    place(pop, button.getBoundingClientRect());
    items(pop)[0]?.focus();
  }
}

function place(pop: HTMLElement, at: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = pop;
  const below = at.bottom + 4 + height <= innerHeight || at.top < height + 8;
  const fromStart = getComputedStyle(pop).direction === "rtl" ? at.right - width : at.left;
  pop.style.left = `${Math.max(8, Math.min(fromStart, innerWidth - width - 8))}px`;
  pop.style.top = `${below ? Math.min(at.bottom + 4, Math.max(8, innerHeight - height - 8)) : at.top - height - 4}px`;
}

const items = (pop: HTMLElement): HTMLElement[] => [...pop.querySelectorAll<HTMLElement>("[role^=menuitem]:not([disabled])")];

function move(pop: HTMLElement, event: KeyboardEvent): void {
  const list = items(pop);
  const at = list.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key];
  if (to === undefined || !list.length) return;
  event.preventDefault();
  list.at(to % list.length)?.focus();
}

customElements.define("pr-menu", Menu);
