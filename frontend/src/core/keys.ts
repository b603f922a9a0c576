// The keyboard: single keys, a g-prefix, Ctrl/Cmd+K and Ctrl/Cmd+Enter. Never Alt or AltGr.
//
// A page gives an element a key with `data-key="e"` ("Shift+T", "g i"): pressing it clicks the element, or focuses it when it is a
// field. Code binds a key with `bind`. Single keys rest while a field has the focus, and can be switched off altogether
// (WCAG 2.1.4): `data-keys="off"` on the body, or `keys=off` in this browser's storage.

import { all, visible } from "./page";

type Act = (event: KeyboardEvent) => void;
interface Binding {
  keys: string;
  act: Act;
  label: string;
  group: string;
  repeat: boolean;
  urgent: boolean;
}

const bindings: Binding[] = [];
const QUIET_AFTER_MODIFIER = 250; // ms: letting go of Cmd before C must not press C (copying opened new conversations elsewhere)
const PREFIX_WAIT = 1200; // ms between g and its letter

let modifierUp = -Infinity;
let prefix = "";
let prefixTimer = 0;
let typing: { buffer: string; timer: number } | null = null;

/** Gives `keys` a meaning on this page; the last to bind a key wins. An `urgent` one is asked before the page's elements. It obeys by preventDefault. */
export function bind(keys: string, label: string, act: Act, more: { group?: string; repeat?: boolean; urgent?: boolean } = {}): void {
  bindings.unshift({ keys, act, label, group: more.group ?? "", repeat: more.repeat ?? false, urgent: more.urgent ?? false });
}

/** Every key that works now, for the sheet and the palette. */
export function known(): { keys: string; label: string; group: string }[] {
  const own = bindings.filter((b) => b.label).reverse();
  const page = all<HTMLElement>("[data-key]").filter(visible).map((e) => ({ keys: e.dataset["key"]!, label: labelOf(e), group: e.dataset["commandGroup"] ?? "" }));
  const seen = new Set<string>();
  return [...page, ...own].filter((b) => !seen.has(b.keys + b.label) && seen.add(b.keys + b.label));
}

export function labelOf(element: HTMLElement): string {
  const said = element.dataset["command"] || element.getAttribute("aria-label");
  if (said) return said;
  const copy = element.cloneNode(true) as HTMLElement;
  copy.querySelectorAll("kbd, svg, .cnt, .vh").forEach((n) => n.remove());
  return (copy.textContent ?? "").trim().replace(/\s+/g, " ");
}

export const keysOn = (): boolean => document.body.dataset["keys"] !== "off" && localStorage.getItem("keys") !== "off";

/** Switches single keys for this browser. */
export function switchKeys(on: boolean): void {
  if (on) localStorage.removeItem("keys");
  else localStorage.setItem("keys", "off");
}

/**
 * From now on, until `endTyping`, letters belong to a field that is still coming: they are kept, not obeyed.
 * Called while the keydown of `r` is handled, so that not even the next letter can reach the list.
 */
export function beginTyping(): void {
  endTyping();
  typing = { buffer: "", timer: window.setTimeout(() => (typing = null), 5000) };
}

/** Ends it and gives the letters typed meanwhile. */
export function endTyping(): string {
  if (!typing) return "";
  clearTimeout(typing.timer);
  const { buffer } = typing;
  typing = null;
  return buffer;
}

/** The name of a pressed key: "j", "Shift+T", "#", "Escape", "Mod+k". Letters of other scripts go by their place on the board. */
export function nameOf(event: KeyboardEvent): string {
  let key = event.key;
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (letter && key.length === 1 && key.charCodeAt(0) > 127) key = letter[1]!.toLowerCase();
  const isLetter = /^[a-z]$/i.test(key);
  if (isLetter) key = key.toLowerCase();
  if (event.shiftKey && isLetter) key = `Shift+${key.toUpperCase()}`;
  else if (event.shiftKey && key.length > 1) key = `Shift+${key}`;
  return event.ctrlKey || event.metaKey ? `Mod+${key}` : key;
}

export function inField(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  if (!element?.closest) return false;
  if (element.isContentEditable || element.closest("textarea, select, [contenteditable]")) return true;
  const input = element.closest("input");
  return !!input && !["checkbox", "radio", "button", "submit", "reset", "file", "range"].includes(input.type);
}

/** Handles one keydown; also called for keys pressed inside a mail's frame. */
export function press(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey || event.getModifierState?.("AltGraph")) return;
  if (["Control", "Meta", "Shift", "Alt", "AltGraph", "CapsLock", "Dead", "Process"].includes(event.key)) return;
  if (typing && !inField(event.target)) return keep(event);
  const name = nameOf(event);
  const single = !name.startsWith("Mod+");
  if (single && name !== "Escape" && (!keysOn() || inField(event.target) || performance.now() - modifierUp < QUIET_AFTER_MODIFIER)) return;
  if (single && document.querySelector("dialog[open]") && name !== "Escape") return;
  const whole = prefix ? `${prefix} ${name}` : name;
  if (obey(whole, event) || (prefix && obey(name, event))) return clearPrefix();
  clearPrefix();
  if (name === "g") startPrefix(name, event);
}

function keep(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (event.key === "Escape") endTyping();
  else if (event.key === "Backspace") typing!.buffer = typing!.buffer.slice(0, -1);
  else if (event.key === "Enter") typing!.buffer += "\n";
  else if (event.key.length === 1) typing!.buffer += event.key;
}

function obey(name: string, event: KeyboardEvent): boolean {
  const urgent = bindings.find((b) => b.urgent && b.keys === name);
  if (urgent && !event.repeat) urgent.act(event);
  if (event.defaultPrevented) return true;
  const element = all<HTMLElement>("[data-key]").filter((e) => e.dataset["key"] === name && visible(e)).pop();
  if (element && !event.repeat) {
    event.preventDefault();
    useElement(element);
    return true;
  }
  const binding = bindings.find((b) => !b.urgent && b.keys === name);
  if (!binding || (event.repeat && !binding.repeat)) return false;
  binding.act(event);
  return event.defaultPrevented;
}

function useElement(element: HTMLElement): void {
  if (element.matches("[disabled], [aria-disabled='true']")) return;
  if (element.matches("input:not([type=checkbox], [type=submit]), textarea, select")) element.focus();
  else element.click();
}

function startPrefix(name: string, event: KeyboardEvent): void {
  event.preventDefault();
  prefix = name;
  prefixTimer = window.setTimeout(clearPrefix, PREFIX_WAIT);
}

function clearPrefix(): void {
  clearTimeout(prefixTimer);
  prefix = "";
}

function noteModifier(event: KeyboardEvent): void {
  if (["Control", "Meta", "Alt", "AltGraph"].includes(event.key)) modifierUp = performance.now();
}

/** Listens on a document: ours, or that of a mail's frame. */
export function listen(target: Document): void {
  target.addEventListener("keydown", press);
  target.addEventListener("keyup", noteModifier);
}

listen(document);
window.addEventListener("blur", () => (clearPrefix(), void endTyping()));
