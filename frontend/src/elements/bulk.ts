// <pr-bulk>: boxes to pick rows and the bar that acts on them. The boxes are `input[data-pick]` of an ordinary form; the style sheet
// shows the bar once one is ticked, so this file only adds ranges, "all", the count and the keys.

import { bind } from "../core/keys";
import { all, announce, word } from "../core/page";

export class Bulk extends HTMLElement {
  #last: HTMLInputElement | null = null;

  connectedCallback(): void {
    this.addEventListener("click", this);
    this.addEventListener("change", this);
    document.addEventListener("htmx:after:swap", this);
  }

  disconnectedCallback(): void {
    document.removeEventListener("htmx:after:swap", this);
  }

  handleEvent(event: Event): void {
    const target = event.target as HTMLElement;
    if (event.type === "htmx:after:swap") this.#sum(); // rows came or went with a live update; the ticks of the others stay
    else if (event.type === "change" && target.matches("[data-pick-all]")) this.#all((target as HTMLInputElement).checked);
    else if (event.type === "click" && target.matches("[data-pick]")) this.#picked(target as HTMLInputElement, (event as MouseEvent).shiftKey);
    else if (event.type === "click" && target.closest("[data-pick-none]")) this.#all(false);
  }

  get boxes(): HTMLInputElement[] {
    return all<HTMLInputElement>("input[data-pick]", this);
  }

  toggle(box: HTMLInputElement): void {
    box.checked = !box.checked;
    this.#picked(box, false);
  }

  #picked(box: HTMLInputElement, range: boolean): void {
    const boxes = this.boxes;
    const from = this.#last ? boxes.indexOf(this.#last) : -1;
    const to = boxes.indexOf(box);
    if (range && from >= 0) for (const between of boxes.slice(Math.min(from, to), Math.max(from, to) + 1)) between.checked = box.checked;
    this.#last = box;
    this.#count();
  }

  #all(on: boolean): void {
    for (const box of this.boxes) box.checked = on;
    this.#count();
  }

  #count(): void {
    announce(word("picked", "{n} selected", { n: this.#sum() }));
  }

  #sum(): number {
    const boxes = this.boxes;
    const chosen = boxes.filter((b) => b.checked).length;
    for (const place of all("[data-pick-count]", this)) place.textContent = String(chosen);
    const whole = this.querySelector<HTMLInputElement>("[data-pick-all]");
    if (whole) [whole.checked, whole.indeterminate] = [chosen === boxes.length && chosen > 0, chosen > 0 && chosen < boxes.length];
    return chosen;
  }
}

/** The box of the row that is chosen or focused. */
function currentBox(): HTMLInputElement | null {
  const row = document.activeElement?.closest("pr-bulk [data-row], pr-bulk tr") ?? document.querySelector("pr-bulk :is([aria-current='true'], [aria-selected='true'])");
  return row?.querySelector<HTMLInputElement>("input[data-pick]") ?? null;
}

bind("x", word("key-select", "Select"), (event) => {
  const box = currentBox();
  const bulk = box?.closest<Bulk>("pr-bulk");
  if (!box || !bulk) return;
  event.preventDefault();
  bulk.toggle(box);
});

customElements.define("pr-bulk", Bulk);
