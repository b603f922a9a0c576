// <pr-toast>: one short message at the edge of the page. The server may write it; `toast()` makes one; `HX-Trigger: {"toast": {...}}` too.

import { all, icon, make, word } from "../core/page";

interface Options {
  kind?: "" | "bad";
  icon?: string;
  seconds?: number;
  action?: { label: string; act: () => void };
}

export class Toast extends HTMLElement {
  #timer = 0;

  connectedCallback(): void {
    for (const twin of this.id ? all<Toast>("pr-toast").filter((one) => one !== this && one.id === this.id) : []) {
      // The same letter told of again by another answer of the server: one countdown for each letter.
      if (twin.dataset["until"] === this.dataset["until"]) return this.remove();
      twin.remove();
    }
    if (!this.querySelector("[data-close]") && !this.dataset["until"]) this.append(closeButton());
    this.addEventListener("click", this);
    const seconds = Number(this.dataset["seconds"] ?? (this.dataset["until"] ? 0 : 6));
    if (seconds) this.#timer = window.setTimeout(() => this.remove(), seconds * 1000);
  }

  disconnectedCallback(): void {
    clearTimeout(this.#timer);
  }

  handleEvent(event: Event): void {
    if ((event.target as Element).closest("[data-close]")) this.remove();
  }
}

function closeButton(): HTMLButtonElement {
  return make("button", { class: "x", type: "button", "data-close": true, "aria-label": word("dismiss", "Dismiss") }, icon("x", "s"));
}

/** Shows a message; errors stay until dismissed. */
export function toast(text: string, options: Options = {}): HTMLElement {
  const element = document.createElement("pr-toast");
  if (options.kind) element.classList.add(options.kind);
  element.dataset["seconds"] = String(options.seconds ?? (options.kind === "bad" ? 0 : 6));
  if (options.icon ?? options.kind === "bad") element.append(icon(options.icon ?? "warning", "s"));
  element.append(make("span", {}, text));
  if (options.action) {
    const { label, act } = options.action;
    const button = make("button", { class: "u", type: "button" }, label);
    button.addEventListener("click", () => (act(), element.remove()));
    element.append(button);
  }
  document.getElementById("toasts")?.append(element);
  return element;
}

document.addEventListener("toast", (event) => {
  const { text, kind } = (event as CustomEvent<{ text?: string; kind?: "" | "bad" }>).detail ?? {};
  if (text) toast(text, { kind: kind ?? "" });
});

customElements.define("pr-toast", Toast);
