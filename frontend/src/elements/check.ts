// <pr-check>: runs a check on exactly what the form shows and draws each step as it arrives.
//
//   <pr-check data-url="/channels/check" data-title="Collecting email"><button type="button" data-run>Check</button></pr-check>
//
// It posts the enclosing form's current values; the server answers with lines of JSON (application/x-ndjson), one per step:
//   {"group": "Collecting email", "name": "Server name found", "state": "ok|bad|warn|wait|running", "ms": 12,
//    "detail": "...", "fix": "...", "said": "A7 NO ...", "actions": [{"label": "...", "set": {"field": "value"}, "url": "..."}]}
// and perhaps a last {"done": true, "ok": false, "summary": "..."}. A step with a name that was drawn already replaces it.

import { all, announce, icon, make, post, word } from "../core/page";

interface Action {
  label: string;
  set?: Record<string, string>;
  url?: string;
}
interface Step {
  group?: string;
  name: string;
  state: "ok" | "bad" | "warn" | "wait" | "running";
  ms?: number;
  detail?: string;
  fix?: string;
  said?: string;
  actions?: Action[];
  letters?: string;
}
type Line = Step | { done: true; ok: boolean; summary?: string };

const MARKS = { ok: "check", bad: "x", warn: "minus" } as const;

export class Check extends HTMLElement {
  #running: AbortController | null = null;
  #steps = new Map<string, HTMLElement>();
  #place!: HTMLElement;

  connectedCallback(): void {
    this.addEventListener("click", this);
    this.#place = this.querySelector<HTMLElement>("[data-steps]") ?? this.appendChild(make("div", { "data-steps": true, class: "stack" }));
    if (this.hasAttribute("data-auto")) void this.run();
  }

  disconnectedCallback(): void {
    this.#running?.abort();
  }

  handleEvent(event: Event): void {
    const target = event.target as HTMLElement;
    if (!target.closest("[data-run]")) return;
    event.preventDefault();
    void this.run();
  }

  /** Posts the form and draws what comes back. Ends in a `checked` event: detail {ok}. */
  async run(): Promise<void> {
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    this.#steps.clear();
    this.#place.replaceChildren();
    this.#busy(true);
    let ok = false;
    try {
      ok = await this.#read(running.signal);
    } catch (wrong) {
      if (running.signal.aborted) return;
      this.#draw({ name: word("check-broke", "The check was cut short"), state: "bad", detail: word("check-broke-why", "The connection to Postroom ended before the check did. Check again."), said: String(wrong) });
    }
    this.#busy(false);
    announce(ok ? word("check-passed", "All steps passed") : word("check-failed", "A step failed"));
    this.dispatchEvent(new CustomEvent("checked", { bubbles: true, detail: { ok } }));
  }

  async #read(signal: AbortSignal): Promise<boolean> {
    const form = this.closest("form");
    const response = await post(this.dataset["url"]!, form ? new FormData(form) : new FormData(), { signal, headers: { Accept: "application/x-ndjson" } });
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
    let ok = true;
    for await (const line of lines(response.body)) {
      if ("done" in line) ok = line.ok;
      else if ((this.#draw(line), line.state === "bad")) ok = false;
    }
    return ok;
  }

  #draw(step: Step): void {
    if (step.letters) for (const place of all("[data-letters]", this.closest("form") ?? document)) place.replaceChildren(make("strong", {}, step.letters), ` ${word("in-mailbox", "in the mailbox now. Nothing is collected before you switch the channel on.")}`);
    const key = `${step.group ?? ""}\n${step.name}`;
    const drawn = this.#stepElement(step);
    const before = this.#steps.get(key);
    if (before) before.replaceWith(drawn);
    else this.#group(step.group ?? this.dataset["title"] ?? "").append(drawn);
    this.#steps.set(key, drawn);
    this.#sum();
  }

  #group(title: string): HTMLElement {
    const found = all("[data-group]", this.#place).find((g) => g.dataset["group"] === title);
    if (found) return found;
    const head = make("div", { class: "card-h" }, make("h3", {}, title), make("span", { class: "mut num fs-s", "data-sum": true }));
    return this.#place.appendChild(make("section", { class: "card clip", "data-group": title }, head));
  }

  #stepElement(step: Step): HTMLElement {
    const element = make("div", { class: `chk ${{ bad: "fail", wait: "off", running: "off", ok: "", warn: "" }[step.state]}`, "data-state": step.state });
    element.append(mark(step.state), make("b", {}, step.name), make("span", { class: "ms" }, timing(step)));
    if (step.detail) element.append(make("small", {}, step.detail));
    const more = this.#more(step);
    if (more) element.append(more);
    return element;
  }

  #more(step: Step): HTMLElement | null {
    if (!step.fix && !step.said && !step.actions?.length) return null;
    const more = make("div", { class: "more" });
    if (step.fix) more.append(make("p", {}, step.fix));
    if (step.actions?.length) more.append(make("div", { class: "row w" }, ...step.actions.map((a, i) => this.#action(a, i === 0))));
    if (step.said) more.append(make("details", { open: step.state === "bad" }, make("summary", { class: "link" }, word("said", "What the server said")), make("pre", {}, step.said)));
    return more;
  }

  #action(action: Action, first: boolean): HTMLElement {
    if (action.url) return make("a", { class: `btn s ${first ? "p" : ""}`, href: action.url }, action.label);
    const button = make("button", { class: `btn s ${first ? "p" : ""}`, type: "button" }, action.label);
    button.addEventListener("click", () => this.#apply(action.set ?? {}));
    return button;
  }

  #apply(values: Record<string, string>): void {
    const form = this.closest("form");
    for (const [name, value] of Object.entries(values)) {
      const field = form?.elements.namedItem(name);
      if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = value === "true";
      else if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement || field instanceof RadioNodeList) field.value = value;
    }
    void this.run();
  }

  #sum(): void {
    for (const group of all("[data-group]", this.#place)) {
      const steps = all(".chk", group);
      const passed = steps.filter((s) => s.dataset["state"] === "ok").length;
      const place = group.querySelector("[data-sum]");
      if (place) place.textContent = passed === steps.length ? word("all-passed", "All {n} passed", { n: passed }) : word("some-passed", "{n} of {all} passed", { n: passed, all: steps.length });
    }
  }

  #busy(on: boolean): void {
    for (const button of all<HTMLButtonElement>("[data-run]", this)) button.setAttribute("aria-busy", String(on));
    this.#place.setAttribute("aria-busy", String(on));
  }
}

function mark(state: Step["state"]): HTMLElement {
  if (state === "running") return make("span", { class: "st" }, make("span", { class: "spin" }));
  const says = { ok: word("passed", "Passed"), bad: word("failed", "Failed"), warn: word("warned", "Warning"), wait: word("waits", "Waits") }[state];
  const element = make("span", { class: `st ${state}`, role: "img", "aria-label": says });
  if (state !== "wait") element.append(icon(MARKS[state]));
  return element;
}

function timing(step: Step): string {
  if (step.state === "wait") return word("waits", "Waits").toLowerCase();
  if (step.ms === undefined) return "";
  return step.ms < 1000 ? `${Math.round(step.ms)} ms` : `${(step.ms / 1000).toFixed(1)} s`;
}

/** The JSON lines of a body, each as soon as it is whole. */
async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<Line> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = done ? "" : parts.pop()!;
    for (const part of parts) if (part.trim()) yield JSON.parse(part) as Line;
    if (done) return;
  }
}

customElements.define("pr-check", Check);
