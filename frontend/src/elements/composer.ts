// <pr-composer>: the reply form and the note form under a thread. Each is an ordinary form that works without scripts.
//
// Here: the tabs, the modes (reply, reply all, forward), drafts, the keys, and the checks before sending. The rich editor, files and
// canned answers come with the reply bundle (composer.ts), fetched when the agent first goes near the text.
//
//   <pr-composer><form data-kind="reply" data-draft-key="12:3:reply" data-save-url="..." data-upload-url="..." ...>
//     <textarea name="body" data-editor></textarea><input type="hidden" name="body_html" /> ... <button data-send>Send</button></form></pr-composer>

import { beginTyping, bind, endTyping } from "../core/keys";
import { type Field, Keeper, type Saving } from "../core/drafts";
import { all, announce, icon, visible, word } from "../core/page";
import { toast } from "./toast";
import type { Recipients } from "./recipients";
import type { Writing } from "../composer";

const SWALLOW = 1500; // ms
const UNRESOLVED = /\{\{[^{}]*\}\}/;
const ATTACHED = /\b(attach(ed|ment|ments|ing)?|enclosed|angehängt|Anhang|Anlage|beigefügt|příloh\w*|přikládám|přiložen\w*)\b/iu;

let asked: { kind: string; mode: string } | null = null; // r was pressed before the composer was here

/** One of the forms and what belongs to it. */
class Part {
  keeper: Keeper;
  writing: Writing | null = null;
  warned = false;

  constructor(readonly form: HTMLFormElement) {
    this.keeper = new Keeper(form.dataset["draftKey"] ?? "", form.dataset["saveUrl"] ?? "", (state) => this.say(state));
  }

  get kind(): string {
    return this.form.dataset["kind"] ?? "reply";
  }

  get textarea(): HTMLTextAreaElement {
    return this.form.querySelector<HTMLTextAreaElement>("textarea[data-editor]")!;
  }

  get fields(): Field[] {
    return [...new FormData(this.form)].filter((f): f is Field => typeof f[1] === "string" && f[0] !== "csrfmiddlewaretoken");
  }

  focus(): void {
    if (this.writing) this.writing.focus();
    else this.textarea.focus();
  }

  type(text: string): void {
    if (!text) return;
    if (this.writing) this.writing.insertText(text);
    else (this.textarea.setRangeText(text, this.textarea.selectionStart, this.textarea.selectionEnd, "end"), this.changed());
  }

  changed(): void {
    if (this.form.dataset["draftKey"]) this.keeper.change(this.fields);
  }

  async restore(): Promise<void> {
    if (!this.form.dataset["draftKey"]) return;
    const draft = await this.keeper.unsaved();
    if (!draft || JSON.stringify(draft.values) === JSON.stringify(this.fields)) return;
    for (const [name, value] of draft.values) this.#set(name, value);
    this.writing?.load();
    this.changed();
    announce(word("restored", "Your unsent text was restored"));
  }

  #set(name: string, value: string): void {
    const field = this.form.elements.namedItem(name);
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement)) return;
    if (["key", "seen"].includes(name)) return; // the page's own keys are newer
    const chips = field.closest<Recipients>("pr-recipients");
    if (chips && "value" in chips) chips.value = value;
    else field.value = value;
  }

  say(state: Saving): void {
    const place = this.form.querySelector<HTMLElement>("[data-saved]");
    if (!place) return;
    place.dataset["state"] = state;
    place.replaceChildren(icon(state === "saved" ? "check" : "warning", "s"), SAYS[state]());
    place.hidden = state === "local";
  }
}

const SAYS: Record<Saving, () => string> = {
  saved: () => word("draft-saved", "Draft saved"),
  local: () => word("draft-local", "Draft kept in this browser"),
  waiting: () => word("draft-waiting", "Offline: draft kept in this browser"),
  "signed-out": () => word("draft-signed-out", "Signed out: draft kept in this browser"),
  refused: () => word("draft-refused", "The server did not take the draft"),
};

export class Composer extends HTMLElement {
  #parts: Part[] = [];

  connectedCallback(): void {
    if (this.#parts.length) return;
    this.#parts = all<HTMLFormElement>("form[data-kind]", this).map((form) => new Part(form));
    for (const name of ["click", "input", "change", "focusin", "dragenter", "keydown", "submit"]) this.addEventListener(name, this, { capture: name === "submit" });
    this.addEventListener("htmx:after:request", this);
    this.addEventListener("htmx:finally:request", this);
    this.show(this.dataset["kind"] || "reply");
    for (const row of all("[data-optional]", this)) row.hidden = !row.querySelector<HTMLInputElement>("input[name]")?.value;
    for (const part of this.#parts) void part.restore();
    if (asked) (this.compose(asked.kind, asked.mode), (asked = null));
  }

  handleEvent(event: Event): void {
    const part = this.#parts.find((p) => p.form.contains(event.target as Node));
    if (!part) return;
    const target = event.target as HTMLElement;
    if (event.type === "click") this.#clicked(target, part);
    else if (event.type === "input") part.changed();
    else if (event.type === "change" && target.matches("[data-modes]")) this.#mode(part, target as HTMLSelectElement);
    else if (event.type === "focusin" || event.type === "dragenter") (target.matches(".comp-b") && this.#open(), void this.#enrich(part));
    else if (event.type === "keydown") this.#key(event as KeyboardEvent, part);
    else if (event.type === "submit") this.#submit(event as SubmitEvent, part);
    else if (event.type.startsWith("htmx:")) this.#answered(event as CustomEvent, part);
  }

  /** Shows one form; the other keeps its text. */
  show(kind: string): void {
    if (!this.#parts.some((p) => p.kind === kind)) kind = this.#parts[0]?.kind ?? "";
    for (const part of this.#parts) part.form.hidden = part.kind !== kind;
    for (const tab of all("[data-tab]", this)) tab.setAttribute("aria-pressed", String(tab.dataset["tab"] === kind));
    this.dataset["kind"] = kind;
  }

  /** Puts the caret into a form at once, so that the next key lands there, and types what was typed meanwhile. */
  compose(kind: string, mode = ""): void {
    if (kind === "reply" && !this.#parts.some((p) => p.kind === kind)) return this.#refuse();
    this.show(kind);
    const part = this.#part;
    if (!part) return;
    const modes = part.form.querySelector<HTMLSelectElement>("[data-modes]");
    if (modes && mode && modes.value !== mode) ((modes.value = mode), this.#mode(part, modes));
    part.focus();
    part.type(endTyping());
    this.scrollIntoView({ block: "nearest" });
  }

  /** There is nobody's reply to write into: say why, and let what is typed on reach neither the note nor the list. */
  #refuse(): void {
    if (endTyping().length < 80) (beginTyping(), window.setTimeout(endTyping, SWALLOW));
    toast(this.dataset["refused"] || word("not-yours", "Somebody else has this email. An internal note is possible: N."), { kind: "bad", seconds: 8 });
  }

  get #part(): Part | undefined {
    return this.#parts.find((p) => !p.form.hidden);
  }

  #clicked(target: HTMLElement, part: Part): void {
    const tab = target.closest<HTMLElement>("[data-tab]");
    if (tab) (this.show(tab.dataset["tab"]!), this.#part?.focus());
    const reveal = target.closest<HTMLElement>("[data-reveal]");
    for (const row of reveal ? all("[data-optional]", part.form) : []) row.hidden = false;
    if (reveal) (reveal.hidden = true, all<HTMLInputElement>("[data-optional] input:not([type=hidden])", part.form)[0]?.focus());
    if (target.closest("[data-discard]")) void part.keeper.end();
  }

  /** Reply, reply all and forward differ in who gets it; what the agent has changed by hand stays. */
  #mode(part: Part, modes: HTMLSelectElement): void {
    const now = modes.selectedOptions[0]?.dataset ?? {};
    const before = [...modes.options].find((o) => o.value === modes.dataset["was"])?.dataset ?? modes.options[0]?.dataset ?? {};
    modes.dataset["was"] = modes.value;
    for (const name of ["to", "cc", "subject"]) {
      const field = part.form.elements.namedItem(name) as HTMLInputElement | null;
      if (!field || now[name] === undefined || field.value.trim() !== (before[name] ?? "").trim()) continue;
      const chips = field.closest<Recipients>("pr-recipients");
      if (chips && "value" in chips) chips.value = now[name]!;
      else field.value = now[name]!;
      const row = field.closest<HTMLElement>("[data-optional]");
      if (row && field.value) row.hidden = false;
    }
    part.changed();
  }

  /** A composer nobody writes in is small, so that the letters have the room. What was in view of them stays in view. */
  #open(): void {
    if (this.dataset["open"] !== undefined) return;
    const letters = this.closest("#thread")?.querySelector("[data-stick=end]");
    const atEnd = !!letters && letters.scrollHeight - letters.scrollTop - letters.clientHeight < 24;
    this.dataset["open"] = "";
    if (atEnd) letters.scrollTop = letters.scrollHeight;
  }

  async #enrich(part: Part): Promise<void> {
    if (part.writing || part.form.dataset["enriched"] !== undefined) return;
    part.form.dataset["enriched"] = "";
    const { enrich } = await import("../composer");
    part.writing = enrich(part.form, () => part.changed());
  }

  #key(event: KeyboardEvent, part: Part): void {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      const button = part.form.querySelector<HTMLButtonElement>(event.shiftKey ? "[data-send-other]" : "[data-send]");
      if (button && !button.disabled) part.form.requestSubmit(button);
    } else if (event.key === "Escape" && !event.defaultPrevented) (document.activeElement as HTMLElement).blur();
  }

  #submit(event: SubmitEvent, part: Part): void {
    if (event.submitter?.hasAttribute("formnovalidate")) return;
    part.writing?.store();
    const problem = part.form.dataset["sending"] !== undefined ? "" : this.#problem(part);
    if (problem === null) return void (part.form.dataset["sending"] = "", part.form.querySelectorAll("[data-send], [data-send-other]").forEach((b) => b.setAttribute("aria-busy", "true")));
    event.preventDefault();
    event.stopImmediatePropagation();
    if (problem) (toast(problem, { kind: "bad" }), part.focus());
  }

  /** Why this cannot go out now; null if it can. */
  #problem(part: Part): string | null {
    const text = part.textarea.value;
    const wrong = all<Recipients>("pr-recipients", part.form).find((r) => visible(r) && r.valid === false);
    if (wrong) return word("bad-recipient", "One of the addresses is not an email address. Correct or remove it.");
    if (part.form.querySelector("[data-files] [data-uploading]")) return word("uploading", "A file is still on its way up. Send again in a moment.");
    const variable = UNRESOLVED.exec(text)?.[0];
    if (variable) return word("unresolved", "{what} has not been filled in. Replace it with text before sending.", { what: variable });
    if (part.kind === "reply" && !part.warned && ATTACHED.test(text) && !part.form.querySelector("[data-files] .file, input[name=attachment]")) {
      part.warned = true;
      return word("no-file", "The text speaks of an attachment, but there is no file. Send again to send it as it is.");
    }
    return null;
  }

  #answered(event: CustomEvent, part: Part): void {
    if (event.type === "htmx:finally:request") return this.#free(part);
    const status = (event.detail as { ctx?: { response?: { status: number } } }).ctx?.response?.status ?? 0;
    if (status >= 200 && status < 300) void part.keeper.end();
  }

  #free(part: Part): void {
    delete part.form.dataset["sending"];
    part.form.querySelectorAll("[aria-busy]").forEach((b) => b.removeAttribute("aria-busy"));
  }
}

/** Starts writing, now or as soon as the composer has come; letters typed meanwhile are kept for it. */
export function compose(kind: string, mode = ""): void {
  const composer = all<Composer>("pr-composer").find(visible);
  if (composer) return composer.compose(kind, mode);
  asked = { kind, mode };
  beginTyping();
}

/** There is a composer, or a conversation is being opened that will bring one. Else letters would wait for nobody. */
const canCompose = (): boolean => !!document.querySelector("#thread pr-composer, [data-row][aria-current]");

function bindCompose(keys: string, label: string, kind: string, mode: string): void {
  bind(keys, label, (event) => canCompose() && (event.preventDefault(), compose(kind, mode)));
}

bindCompose("r", word("reply", "Reply"), "reply", "reply");
bindCompose("a", word("reply-all", "Reply to all"), "reply", "all");
bindCompose("f", word("forward", "Forward"), "reply", "forward");
bindCompose("n", word("note", "Internal note"), "note", "");
document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-compose]");
  if (button) (event.preventDefault(), compose(button.dataset["compose"]!, button.dataset["mode"] ?? ""));
});

customElements.define("pr-composer", Composer);
