// Rich text: Squire over a div in place of the textarea. The form still sends `body` (plain text), and `body_html` beside it.

import Squire from "squire-rte";
import { all, make, word } from "../core/page";
import { canClean, clean, readyToClean } from "./clean";
import type { Writing } from "./writing";

/** Turns the textarea into a rich editor, keeping what was typed so far and where the caret was. */
export function makeRich(form: HTMLFormElement, textarea: HTMLTextAreaElement, changed: () => void): Writing {
  const html = form.querySelector<HTMLInputElement>("input[name=body_html]") ?? form.appendChild(make("input", { type: "hidden", name: "body_html" }));
  const root = make("div", { class: textarea.className, role: "textbox", "aria-multiline": "true", dir: textarea.dir || "auto", contenteditable: "true", "aria-label": textarea.getAttribute("aria-label") || textarea.labels?.[0]?.textContent?.trim() || word("text", "Text") });
  const hadFocus = document.activeElement === textarea;
  const caret = textarea.selectionStart;
  textarea.after(root);
  const editor = new Squire(root, { blockTag: "DIV", sanitizeToDOMFragment: clean, didError: (wrong: unknown) => console.error(wrong) });
  const writing = richWriting(editor, root, textarea, html, changed);
  writing.load();
  textarea.hidden = true;
  if (hadFocus) (placeCaret(editor, root, caret), editor.focus());
  root.addEventListener("paste", (event) => pasted(event, editor), true);
  editor.addEventListener("input", () => (writing.store(), markUnresolved(root), changed()));
  tools(form, editor);
  return writing;
}

function richWriting(editor: Squire, root: HTMLElement, textarea: HTMLTextAreaElement, html: HTMLInputElement, changed: () => void): Writing {
  const store = (): void => {
    textarea.value = root.innerText.replace(/\u200b/g, "").replace(/\u00a0/g, " ").replace(/\n{3,}/g, "\n\n").trimEnd();
    html.value = textarea.value ? editor.getHTML() : "";
  };
  const after = (): void => (store(), changed());
  return {
    root,
    store,
    focus: () => void editor.focus(),
    load: () => load(editor, html.value, textarea.value),
    insertText: (text) => (editor.insertPlainText(text, false), after()),
    beforeCaret: () => beforeCaret(editor),
    replaceBefore: (length, text, rich) => (removeBefore(editor, length), rich ? void insertHTML(editor, rich, false).then(after) : (editor.insertPlainText(text, false), after())),
    caret: () => editor.getCursorPosition() ?? null,
  };
}

/** Shows the form's HTML, or its text as long as there is no HTML. Plain lines need no cleaner and no waiting. */
function load(editor: Squire, html: string, text: string): void {
  setText(editor, text);
  if (html) void readyToClean().then(() => editor.setHTML(html));
}

function setText(editor: Squire, text: string): void {
  const root = editor.getRoot();
  root.replaceChildren(...text.split("\n").map((line) => make("div", {}, lasting(line) || make("br"))));
  editor.moveCursorToEnd();
}

/** Spaces that HTML would drop: the editor may come between two words somebody is typing. */
const lasting = (line: string): string => line.replace(/^ | $/g, "\u00a0").replace(/ {2}/g, " \u00a0");

async function insertHTML(editor: Squire, html: string, isPaste: boolean): Promise<void> {
  await readyToClean();
  editor.insertHTML(html, isPaste);
}

/** HTML on the clipboard waits for the cleaner once; afterwards Squire's own handler takes it. */
function pasted(event: ClipboardEvent, editor: Squire): void {
  const html = event.clipboardData?.getData("text/html");
  if (!html || canClean()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  void insertHTML(editor, html, true);
}

function placeCaret(editor: Squire, root: HTMLElement, offset: number): void {
  let left = offset;
  for (const line of root.children) {
    const text = line.textContent ?? "";
    if (left <= text.length) {
      const range = document.createRange();
      const node = document.createTreeWalker(line, NodeFilter.SHOW_TEXT).nextNode();
      range.setStart(node ?? line, node ? Math.min(left, node.textContent!.length) : 0);
      return void editor.setSelection(range);
    }
    left -= text.length + 1;
  }
  editor.moveCursorToEnd();
}

function beforeCaret(editor: Squire): string {
  const range = editor.getSelection();
  if (!range.collapsed || range.startContainer.nodeType !== Node.TEXT_NODE) return "";
  return (range.startContainer.textContent ?? "").slice(0, range.startOffset).replace(/\u200b/g, "");
}

function removeBefore(editor: Squire, length: number): void {
  const range = editor.getSelection();
  range.setStart(range.startContainer, Math.max(0, range.startOffset - length));
  editor.setSelection(range);
}

/** Paints variables that nothing has filled in, without touching the text. */
function markUnresolved(root: HTMLElement): void {
  if (!("highlights" in CSS)) return;
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const found of (node.textContent ?? "").matchAll(/\{\{[^{}]*\}\}/g)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      ranges.push(range);
    }
  }
  CSS.highlights.set("unresolved", new Highlight(...ranges));
}

const FORMATS: Record<string, [on: (e: Squire) => unknown, off: (e: Squire) => unknown, tag: string]> = {
  bold: [(e) => e.bold(), (e) => e.removeBold(), "B"],
  italic: [(e) => e.italic(), (e) => e.removeItalic(), "I"],
  ul: [(e) => e.makeUnorderedList(), (e) => e.removeList(), "UL"],
  ol: [(e) => e.makeOrderedList(), (e) => e.removeList(), "OL"],
  quote: [(e) => e.increaseQuoteLevel(), (e) => e.decreaseQuoteLevel(), "BLOCKQUOTE"],
  link: [(e) => askLink(e), (e) => e.removeLink(), "A"],
};

function tools(form: HTMLFormElement, editor: Squire): void {
  const buttons = all<HTMLButtonElement>("[data-format]", form);
  for (const button of buttons) {
    button.hidden = false;
    const [on, off, tag] = FORMATS[button.dataset["format"]!] ?? FORMATS["bold"]!;
    button.addEventListener("pointerdown", (event) => event.preventDefault()); // keep the selection
    button.addEventListener("click", () => (editor.hasFormat(tag) || inTag(editor, tag) ? off(editor) : on(editor), editor.focus()));
  }
  const show = (): void => buttons.forEach((b) => b.setAttribute("aria-pressed", String(inTag(editor, FORMATS[b.dataset["format"]!]?.[2] ?? ""))));
  editor.addEventListener("pathChange", show);
  editor.addEventListener("select", show);
}

const inTag = (editor: Squire, tag: string): boolean => !!tag && (editor.hasFormat(tag) || new RegExp(`(^|>)${tag}\\b`).test(editor.getPath()));

function askLink(editor: Squire): void {
  const field = make("input", { class: "inp", type: "url", required: true, placeholder: "https://", "aria-label": word("link-to", "Link to"), name: "url" });
  const form = make("form", { method: "dialog", class: "stack" }, make("h2", {}, word("link-to", "Link to")), field, make("div", { class: "ask-f" }, make("button", { class: "btn", type: "button", "data-close": true }, word("cancel", "Cancel")), make("button", { class: "btn p" }, word("insert-link", "Insert link"))));
  const dialog = make("dialog", { class: "ask", "aria-label": word("link-to", "Link to") }, form);
  form.addEventListener("submit", () => void (field.value && editor.makeLink(field.value)));
  dialog.addEventListener("close", () => (dialog.remove(), editor.focus()));
  document.body.append(dialog);
  dialog.showModal();
}
