// <pr-recipients>: addresses as chips over an ordinary text field, which keeps its name and value ("Name <a@b>, c@d") for the form.
// `data-suggest-url` offers known contacts: JSON [{"name": "...", "address": "..."}].

import { announce, icon, make, quietly, word } from "../core/page";

const ADDRESS = /^[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+$/;

export class Recipients extends HTMLElement {
  #field!: HTMLInputElement;
  #entry!: HTMLInputElement;
  #box!: HTMLElement;
  #list!: HTMLElement;
  #suggest = quietly(150, () => void this.#look());

  connectedCallback(): void {
    const field = this.querySelector<HTMLInputElement>("input[name]");
    if (!field || this.#box?.isConnected) return;
    this.#field = field;
    const listId = `${field.id || field.name}-list`;
    this.#entry = make("input", { type: "text", id: `${field.id || field.name}-entry`, autocomplete: "off", role: "combobox", "aria-expanded": "false", "aria-controls": listId, "aria-label": field.labels?.[0]?.textContent?.trim() || field.getAttribute("aria-label") || field.name });
    for (const label of field.labels ?? []) label.htmlFor = this.#entry.id;
    this.#box = make("div", { class: "chips-in" }, this.#entry);
    this.#list = make("div", { class: "pop", role: "listbox", id: listId, hidden: true, "aria-label": word("contacts", "Contacts") });
    field.type = "hidden";
    this.append(this.#box, this.#list);
    this.value = field.value;
    this.#listen();
  }

  get value(): string {
    return this.#field.value;
  }

  /** Replaces all addresses; text that is no address stays visible, marked as wrong. */
  set value(text: string) {
    this.#box.querySelectorAll(".rcpt").forEach((c) => c.remove());
    for (const one of split(text)) this.#entry.before(this.#chip(one));
    this.#write(false);
  }

  get valid(): boolean {
    return !this.#box.querySelector(".rcpt.bad");
  }

  #listen(): void {
    this.#entry.addEventListener("keydown", (event) => this.#key(event));
    this.#entry.addEventListener("input", () => (/[,;]/.test(this.#entry.value) ? this.#take() : this.#suggest()));
    this.#entry.addEventListener("blur", () => window.setTimeout(() => (this.#take(), this.#close()), 150));
    this.#entry.addEventListener("paste", (event) => {
      const text = event.clipboardData?.getData("text") ?? "";
      if (!/[,;\n@]/.test(text)) return;
      event.preventDefault();
      for (const one of split(text)) this.#entry.before(this.#chip(one));
      this.#write();
    });
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const chosen = (event.target as Element).closest<HTMLElement>("[data-address]");
      if (chosen) this.#add(chosen.dataset["address"]!);
    });
    this.#box.addEventListener("click", (event) => event.target === this.#box && this.#entry.focus());
  }

  #key(event: KeyboardEvent): void {
    const chosen = this.#list.querySelector<HTMLElement>("[aria-selected='true']");
    if (event.key === "Escape" && !this.#list.hidden) (event.preventDefault(), event.stopPropagation(), this.#close());
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !this.#list.hidden) (event.preventDefault(), this.#move(event.key === "ArrowDown" ? 1 : -1));
    else if ((event.key === "Enter" || event.key === "Tab") && chosen && !this.#list.hidden) (event.preventDefault(), this.#add(chosen.dataset["address"]!));
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) (event.preventDefault(), this.#take());
    else if (event.key === "Backspace" && !this.#entry.value) this.#entry.previousElementSibling?.remove(), this.#write();
  }

  #take(): void {
    const text = this.#entry.value.trim();
    if (!text) return;
    this.#entry.value = "";
    for (const one of split(text)) this.#entry.before(this.#chip(one));
    this.#write();
  }

  #add(address: string): void {
    this.#entry.value = "";
    this.#entry.before(this.#chip(address));
    this.#close();
    this.#write();
  }

  #chip(text: string): HTMLElement {
    const good = ADDRESS.test(addressIn(text));
    const remove = make("button", { type: "button", "aria-label": word("remove", "Remove {what}", { what: text }) }, icon("x"));
    const chip = make("span", { class: `rcpt ${good ? "" : "bad"}`, "data-text": text, title: good ? text : word("no-address", "This is not an email address: {what}", { what: text }) }, make("span", { class: "el" }, nameIn(text)), remove);
    remove.addEventListener("click", () => (chip.remove(), this.#write(), this.#entry.focus()));
    return chip;
  }

  #write(tell = true): void {
    this.#field.value = [...this.#box.querySelectorAll<HTMLElement>(".rcpt")].map((c) => c.dataset["text"]!).join(", ");
    this.#entry.setAttribute("aria-invalid", String(!this.valid));
    if (tell) this.#field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async #look(): Promise<void> {
    const url = this.dataset["suggestUrl"];
    const query = this.#entry.value.trim();
    if (!url || query.length < 2) return this.#close();
    const response = await fetch(`${url}?q=${encodeURIComponent(query)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!response?.ok || query !== this.#entry.value.trim()) return;
    const found = (await response.json()) as { name: string; address: string }[];
    this.#list.replaceChildren(...found.slice(0, 8).map((f, n) => suggestion(f, n === 0)));
    this.#list.hidden = !found.length;
    this.#entry.setAttribute("aria-expanded", String(!!found.length));
    if (found.length) announce(word("contacts-found", "{n} contacts", { n: found.length }));
  }

  #move(by: number): void {
    const options = [...this.#list.querySelectorAll<HTMLElement>("[role=option]")];
    const at = options.findIndex((o) => o.getAttribute("aria-selected") === "true");
    options.forEach((o, n) => o.setAttribute("aria-selected", String(n === (at + by + options.length) % options.length)));
  }

  #close(): void {
    this.#list.hidden = true;
    this.#entry.setAttribute("aria-expanded", "false");
  }
}

function suggestion(contact: { name: string; address: string }, chosen: boolean): HTMLElement {
  const whole = contact.name ? `${quoted(contact.name)} <${contact.address}>` : contact.address;
  return make("div", { class: "opt", role: "option", "data-address": whole, "aria-selected": String(chosen) }, make("span", { dir: "auto" }, contact.name || contact.address), make("small", {}, contact.address));
}

const quoted = (name: string): string => (/[,;<>"@]/.test(name) ? `"${name.replace(/(["\\])/g, "\\$1")}"` : name);
const addressIn = (text: string): string => /<([^<>]+)>\s*$/.exec(text)?.[1]?.trim() ?? text.trim();
const nameIn = (text: string): string => /^\s*"?(.*?)"?\s*<[^<>]+>\s*$/.exec(text)?.[1]?.trim() || addressIn(text);

/** Splits a list of addresses at commas, semicolons and lines, but not inside quotes. */
function split(text: string): string[] {
  return (text.match(/(?:"(?:\\.|[^"\\])*"|[^,;\n"])+/g) ?? []).map((t) => t.trim()).filter(Boolean);
}

customElements.define("pr-recipients", Recipients);
