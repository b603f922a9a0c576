// What comes up while writing: canned answers after "/" at the start of a word, people after "@" in a note.
//
// `data-canned-url?q=` answers JSON [{"id", "name", "shortcut", "text", "html", "preview"}], variables filled in already where they can be;
// `data-mention-url?q=` answers JSON [{"name", "handle"}].

import { announce, make, word } from "../core/page";
import type { Writing } from "./writing";

interface Offered {
  title: string;
  hint: string;
  detail: string;
  text: string;
  html?: string;
}
interface Found {
  name: string;
  shortcut?: string;
  preview?: string;
  text?: string;
  html?: string;
  handle?: string;
}

const START = /(?:^|\s)([/@])([\p{L}\p{N}_.-]{0,30})$/u;

export function suggest(form: HTMLFormElement, writing: Writing): void {
  new Suggestions(form, writing);
}

class Suggestions {
  #list = make("div", { class: "pop canned", role: "listbox", popover: "manual", "aria-label": word("suggestions", "Suggestions") });
  #offered: Offered[] = [];
  #at = 0;
  #length = 0;
  #asked = "";

  constructor(
    private form: HTMLFormElement,
    private writing: Writing,
  ) {
    (form.closest("pr-composer") ?? form).append(this.#list);
    writing.root.addEventListener("input", () => void this.#look());
    writing.root.addEventListener("keydown", (event) => this.#key(event), true);
    writing.root.addEventListener("blur", () => window.setTimeout(() => this.#close(), 150));
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const n = (event.target as Element).closest<HTMLElement>("[data-n]")?.dataset["n"];
      if (n) this.#choose(Number(n));
    });
    form.addEventListener("click", (event) => {
      if (!(event.target as Element).closest("[data-canned]")) return;
      writing.focus();
      writing.insertText(/\S$/.test(writing.beforeCaret()) ? " /" : "/");
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const found = START.exec(this.writing.beforeCaret());
    const url = found && this.form.dataset[found[1] === "/" ? "cannedUrl" : "mentionUrl"];
    if (!found || !url) return this.#close();
    const [, sign, query] = found as unknown as [string, string, string];
    this.#asked = sign + query;
    this.#length = 1 + query.length;
    const response = await fetch(`${url}${url.includes("?") ? "&" : "?"}q=${encodeURIComponent(query)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!response?.ok || this.#asked !== sign + query) return;
    this.#show(((await response.json()) as Found[]).slice(0, 8).map((f) => (sign === "/" ? canned(f) : mention(f))));
  }

  #show(offered: Offered[]): void {
    this.#offered = offered;
    this.#list.replaceChildren(...offered.map(option));
    if (!offered.length) return this.#close();
    this.#list.showPopover();
    this.#place();
    this.#mark(0);
    announce(word("suggested", "{n} suggestions", { n: offered.length }));
  }

  get #open(): boolean {
    return this.#list.isConnected && this.#list.matches(":popover-open");
  }

  /** Above the line of the caret; a textarea does not tell where that is, so above the field. */
  #place(): void {
    const field = this.writing.root.getBoundingClientRect();
    const caret = this.writing.caret() ?? field;
    this.#list.style.left = `${Math.max(12, Math.min(caret.left - 12, innerWidth - this.#list.offsetWidth - 12))}px`;
    this.#list.style.bottom = `${innerHeight - Math.max(this.#list.offsetHeight + 8, caret.top - 6)}px`;
  }

  #mark(n: number): void {
    this.#at = n;
    [...this.#list.children].forEach((o, i) => (o.setAttribute("aria-selected", String(i === n)), i === n && o.scrollIntoView({ block: "nearest" })));
  }

  #key(event: KeyboardEvent): void {
    if (!this.#open || event.isComposing) return;
    const to = { ArrowDown: this.#at + 1, ArrowUp: this.#at - 1 }[event.key];
    if (to !== undefined) this.#mark((to + this.#offered.length) % this.#offered.length);
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") this.#choose(this.#at);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #choose(n: number): void {
    const chosen = this.#offered[n];
    this.#close();
    if (chosen) this.writing.replaceBefore(this.#length, chosen.text, chosen.html);
  }

  #close(): void {
    this.#asked = "";
    if (this.#open) this.#list.hidePopover();
  }
}

const canned = (f: Found): Offered => ({ title: f.name, hint: f.shortcut ? `/${f.shortcut}` : "", detail: f.preview ?? f.text ?? "", text: f.text ?? "", html: f.html });
const mention = (f: Found): Offered => ({ title: f.name, hint: f.handle ?? "", detail: "", text: `@${f.handle ?? f.name} ` });

function option(offered: Offered, n: number): HTMLElement {
  const element = make("div", { class: "opt", role: "option", "data-n": String(n), "aria-selected": "false" }, make("span", {}, offered.title), make("span", { class: "mut fs-xs" }, offered.hint));
  if (offered.detail) element.append(make("small", { class: "el" }, offered.detail));
  return element;
}
