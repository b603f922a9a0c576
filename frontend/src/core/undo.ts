// Countdowns written by the server: anything with `data-until` (RFC 3339) counts down in its `[data-left]`, also after a reload.
// `z` presses the newest `[data-undo]` on the page.

import { bind } from "./keys";
import { all, announce, clockAhead, secondsLeft, visible, word } from "./page";

const ahead = new WeakMap<HTMLElement, number>();

function tick(): void {
  for (const element of all("[data-until]")) count(element);
}

function count(element: HTMLElement): void {
  if (!ahead.has(element)) begin(element);
  const left = secondsLeft(element.dataset["until"]!, ahead.get(element)!);
  for (const place of all("[data-left]", element)) place.textContent = String(Math.ceil(left));
  const bar = element.querySelector<HTMLProgressElement>("progress[data-bar]");
  if (bar) bar.value = left;
  if (left === 0) finish(element);
}

function begin(element: HTMLElement): void {
  ahead.set(element, clockAhead(element));
  const bar = element.querySelector<HTMLProgressElement>("progress[data-bar]");
  if (bar && !bar.hasAttribute("max")) bar.max = Math.max(1, secondsLeft(element.dataset["until"]!, ahead.get(element)!));
}

function finish(element: HTMLElement): void {
  element.removeAttribute("data-until");
  element.dispatchEvent(new CustomEvent("elapsed", { bubbles: true }));
  if (element.matches("pr-toast")) element.remove();
}

bind("z", word("undo", "Undo"), (event) => {
  const button = all<HTMLElement>("[data-undo]").filter(visible).pop();
  if (!button) return;
  event.preventDefault();
  button.click();
  announce(word("undone", "Undone"));
});

setInterval(tick, 250);
tick();
