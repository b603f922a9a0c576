// What every other file asks of the page: its settings, its icons, a request with our CSRF token, a word to screen readers.

/** An element that must be there, by selector, inside `root`. */
export function need<T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`The page has no ${selector}`);
  return found;
}

export const all = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T[] => [...root.querySelectorAll<T>(selector)];

export const setting = (name: string): string => document.body.dataset[name] ?? "";

/** The token Django wants with every unsafe request. */
export const csrf = (): string => document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";

/** Sends a form to the server. A response that is not ok is returned, not thrown; no connection throws TypeError. */
export function post(url: string, body: FormData | URLSearchParams, more: RequestInit = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    body,
    credentials: "same-origin",
    redirect: "manual", // a redirect here means the sign-in page
    ...more,
    headers: { "X-CSRFToken": csrf(), "X-Requested-With": "fetch", ...(more.headers as Record<string, string> | undefined) },
  });
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon of the sprite, as in the `{% icon %}` template tag. */
export function icon(name: string, size = ""): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `i ${size}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${setting("icons")}#${name}`);
  svg.append(use);
  return svg;
}

type Attributes = Record<string, string | boolean | undefined>;

/** Builds an element; text is text, never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Says something to screen readers; `soon` interrupts. */
export function announce(text: string, soon = false): void {
  const region = document.getElementById(soon ? "say-soon" : "say");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = text));
}

/** The words of the interface that scripts need, translated by the server in `<template id="words">`, English otherwise. */
export function word(key: string, english: string, values: Record<string, string | number> = {}): string {
  const template = document.querySelector<HTMLTemplateElement>("#words");
  const text = template?.content.querySelector(`[data-word="${key}"]`)?.textContent ?? english;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export const visible = (element: Element): boolean => element.checkVisibility?.({ visibilityProperty: true }) ?? true;

/** A promise that settles after `ms`. */
export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Runs `act` once things have been quiet for `ms`. */
export function quietly(ms: number, act: () => void): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(act, ms);
  };
}

let loading = true; // what we meet in the first turn came with the page itself
setTimeout(() => (loading = false));

/** How far the server's clock is ahead of ours, in ms, from a `data-now` written while rendering; prefetched parts carry `data-received`. */
export function clockAhead(element: HTMLElement): number {
  const now = Date.parse(element.dataset["now"] ?? "");
  if (Number.isNaN(now)) return 0;
  const page = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined;
  const received = Number(element.dataset["received"]) || (loading && page ? performance.timeOrigin + page.responseEnd : Date.now());
  return now - received;
}

/** The seconds left until `data-until` (RFC 3339), by the server's clock; 0 when past. */
export function secondsLeft(until: string, ahead: number): number {
  return Math.max(0, (Date.parse(until) - (Date.now() + ahead)) / 1000);
}
