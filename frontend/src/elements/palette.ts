// <pr-palette>: Ctrl/Cmd+K. Lists what the page can do now: every `[data-command]` element, each with its key, so that people learn
// the keys and leave the palette. `data-search-url` adds what the server finds: JSON [{group, label, hint, url, icon}]. `?` shows all keys.

import { bind, keysOn, known, labelOf, switchKeys } from "../core/keys";
import { all, icon, make, quietly, visible, word } from "../core/page";

interface Command {
  group: string;
  label: string;
  hint?: string;
  keys?: string;
  icon?: string;
  act: () => void;
}

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const SHOWN = 40;

export class Palette extends HTMLElement {
  #dialog!: HTMLDialogElement;
  #input!: HTMLInputElement;
  #list!: HTMLElement;
  #commands: Command[] = [];
  #found: Command[] = [];
  #shown: Command[] = [];
  #at = 0;
  #ask = quietly(120, () => void this.#search());

  connectedCallback(): void {
    this.#input = make("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "pal-l", "aria-label": word("command", "Search or run a command"), placeholder: word("command", "Search or run a command"), autocomplete: "off", spellcheck: "false" });
    this.#list = make("div", { class: "pal-l", role: "listbox", id: "pal-l", "aria-label": word("results", "Results") });
    const head = make("div", { class: "pal-i" }, icon("search", "l"), this.#input, make("span", { class: "mut", "data-in": true }));
    this.#dialog = make("dialog", { class: "pal", "aria-label": word("palette", "Command palette") }, head, this.#list);
    this.replaceChildren(this.#dialog);
    this.#input.addEventListener("input", () => (this.#draw(), this.#ask()));
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("click", (event) => this.#choose(Number((event.target as Element).closest<HTMLElement>("[data-n]")?.dataset["n"] ?? -1)));
    this.#list.addEventListener("pointermove", (event) => this.#mark(Number((event.target as Element).closest<HTMLElement>("[data-n]")?.dataset["n"] ?? this.#at)));
  }

  open(): void {
    this.#commands = commands();
    this.#found = [];
    this.#input.value = "";
    this.#dialog.querySelector("[data-in]")!.textContent = document.querySelector("[data-palette-in]")?.textContent?.trim() ?? "";
    this.#draw();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.focus();
  }

  #key(event: KeyboardEvent): void {
    const to = { ArrowDown: this.#at + 1, ArrowUp: this.#at - 1, PageDown: this.#at + 8, PageUp: this.#at - 8 }[event.key];
    if (event.key === "Enter" && !event.isComposing) (event.preventDefault(), this.#choose(this.#at));
    if (to === undefined || !this.#shown.length) return;
    event.preventDefault();
    this.#mark((to + this.#shown.length) % this.#shown.length);
  }

  #draw(): void {
    const query = this.#input.value.trim().toLowerCase();
    this.#shown = [...this.#commands.filter((c) => matches(c, query)), ...this.#found].slice(0, SHOWN);
    this.#list.replaceChildren();
    let group = "";
    this.#shown.forEach((command, n) => {
      if (command.group !== group) this.#list.append(make("div", { class: "pal-g", role: "presentation" }, (group = command.group)));
      this.#list.append(row(command, n, query));
    });
    if (!this.#shown.length) this.#list.append(make("div", { class: "pal-g", role: "option", "aria-disabled": "true", "aria-selected": "false" }, word("nothing", "Nothing found")));
    this.#mark(0);
  }

  #mark(n: number): void {
    this.#at = n;
    for (const option of all("[data-n]", this.#list)) {
      const chosen = option.dataset["n"] === String(n);
      option.setAttribute("aria-selected", String(chosen));
      if (chosen) (option.scrollIntoView({ block: "nearest" }), this.#input.setAttribute("aria-activedescendant", option.id));
    }
  }

  #choose(n: number): void {
    const command = this.#shown[n];
    if (!command) return;
    this.#dialog.close();
    command.act();
  }

  async #search(): Promise<void> {
    const url = this.dataset["searchUrl"];
    const query = this.#input.value.trim();
    if (!url || query.length < 2) return;
    const response = await fetch(`${url}?q=${encodeURIComponent(query)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!response?.ok || query !== this.#input.value.trim()) return;
    const found = (await response.json()) as { group: string; label: string; hint?: string; url: string; icon?: string }[];
    this.#found = found.map((f) => ({ ...f, act: () => location.assign(f.url) }));
    this.#draw();
  }
}

function commands(): Command[] {
  return all<HTMLElement>("[data-command]").filter((e) => !e.closest("dialog:not([open])") && !e.matches("[disabled]") && (visible(e) || e.matches("[popover] *"))).map(asCommand);
}

function asCommand(element: HTMLElement): Command {
  const { commandGroup, key, commandIcon } = element.dataset;
  const drawn = element.querySelector("svg use")?.getAttribute("href")?.split("#")[1];
  return { group: commandGroup || word("commands", "Commands"), label: labelOf(element), keys: key, icon: commandIcon ?? drawn, act: () => element.click() };
}

const matches = (command: Command, query: string): boolean => query.split(/\s+/).every((part) => command.label.toLowerCase().includes(part));

function row(command: Command, n: number, query: string): HTMLElement {
  const row = make("div", { class: "pal-o", role: "option", id: `pal-${n}`, "data-n": String(n), "aria-selected": "false" });
  row.append(icon(command.icon ?? "right"), make("span", {}, ...highlighted(command.label, query)));
  if (command.hint) row.append(make("span", { class: "mut el" }, command.hint));
  if (command.keys) row.append(keyCaps(command.keys, "push"));
  return row;
}

function highlighted(label: string, query: string): (Node | string)[] {
  const at = query ? label.toLowerCase().indexOf(query) : -1;
  if (at < 0) return [label];
  return [label.slice(0, at), make("b", {}, label.slice(at, at + query.length)), label.slice(at + query.length)];
}

function keyCaps(keys: string, more = ""): HTMLElement {
  const caps = keys.split(/[ +]/).filter(Boolean).map((k) => (k === "Mod" ? (MAC ? "⌘" : "Ctrl") : k.length === 1 ? k.toUpperCase() : k));
  return make("span", { class: `keys ${more}` }, ...caps.map((k) => make("kbd", {}, k)));
}

function sheet(): void {
  const dialog = make("dialog", { class: "pal", "aria-labelledby": "sheet-t" });
  const close = make("button", { class: "btn g ic s", type: "button", "data-close": true, "aria-label": word("close", "Close") }, icon("x"));
  const lines = known().map((k) => make("div", {}, make("span", {}, k.label), keyCaps(k.keys)));
  const toggle = make("input", { type: "checkbox", class: "sw", id: "sheet-keys", role: "switch" });
  toggle.checked = keysOn();
  toggle.disabled = document.body.dataset["keys"] === "off";
  toggle.addEventListener("change", () => switchKeys(toggle.checked));
  const off = make("div", {}, make("label", { for: "sheet-keys" }, word("single-keys", "Single keys")), toggle);
  dialog.append(make("div", { class: "drawer-h" }, make("h2", { class: "fill", id: "sheet-t" }, word("shortcuts", "Keyboard shortcuts")), close), make("div", { class: "sheet" }, ...lines, off));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const palette = (): Palette | null => document.querySelector<Palette>("pr-palette");

bind("Mod+k", word("palette", "Command palette"), (event) => (event.preventDefault(), palette()?.open()));
bind("?", word("shortcuts", "Keyboard shortcuts"), (event) => (event.preventDefault(), sheet()));
document.addEventListener("click", (event) => {
  const target = event.target as Element;
  if (target.closest("[data-palette]")) (event.preventDefault(), palette()?.open());
  if (target.closest("[data-sheet]")) (event.preventDefault(), sheet());
});

customElements.define("pr-palette", Palette);
