// One event stream per browser: the tab that holds the lock reads `/live`, the others hear it by BroadcastChannel.
//
// The server sends unnamed events with a JSON object: {"kind": "case.reopened", "case": 12, ...} and an id. Each becomes a DOM event
// `live:case` (the kind up to its dot) on the document, and every element with `data-live="case offer.made"` gets a `live` event,
// which is what its hx-trigger="live" waits for. `data-live-match="case=12"` narrows it to events that carry that value.
// An event carries keys only; what is shown is always read again from the server, so a lost event costs delay, never truth.

import { all, pause, setting, word } from "./page";

interface LiveEvent {
  kind: string;
  [key: string]: unknown;
}

const LOST_AFTER = 3000; // ms without a connection before we say so
const STALE_AFTER = 45_000; // ms without a ping, once the server has sent one
const REFRESH_QUIET = 120; // ms: a burst of events refreshes an element once
const channel = "BroadcastChannel" in window ? new BroadcastChannel("postroom-live") : null;
const waiting = new WeakMap<Element, number>();
let last = setting("liveLast");
let lostTimer = 0;
let lostBecause = "";

/** Tells this page about an event, as if the server had. */
export function dispatch(event: LiveEvent): void {
  document.dispatchEvent(new CustomEvent(`live:${event.kind.split(".", 1)[0]}`, { detail: event }));
  document.dispatchEvent(new CustomEvent("live:any", { detail: event }));
  for (const element of all("[data-live]")) if (wants(element, event)) refreshSoon(element);
}

function wants(element: HTMLElement, event: LiveEvent): boolean {
  const kinds = element.dataset["live"]!.split(/\s+/);
  if (!kinds.some((kind) => kind === event.kind || kind === "any" || event.kind.startsWith(`${kind}.`))) return false;
  const match = element.dataset["liveMatch"];
  if (!match) return true;
  const [name, value] = match.split("=", 2) as [string, string];
  return event[name] === undefined || event[name] === null || String(event[name]) === value;
}

function refreshSoon(element: Element): void {
  clearTimeout(waiting.get(element));
  waiting.set(element, window.setTimeout(() => element.isConnected && element.dispatchEvent(new CustomEvent("live")), REFRESH_QUIET));
}

/** Makes every live element read itself again: after a gap nobody knows what was missed. */
export function refreshAll(): void {
  for (const element of all("[data-live]")) refreshSoon(element);
}

function showState(open: boolean): void {
  clearTimeout(lostTimer);
  const chip = document.getElementById("connection");
  if (!chip) return;
  if (open) (chip.hidden = true, lostBecause = "");
  else lostTimer = window.setTimeout(() => ((chip.hidden = false), (chip.textContent = lostBecause || word("lost", "Connection lost. Trying again…"))), LOST_AFTER);
}

function tell(message: { event?: LiveEvent; id?: string; open?: boolean; gap?: boolean }): void {
  hear(message);
  channel?.postMessage(message);
}

function hear(message: { event?: LiveEvent; id?: string; open?: boolean; gap?: boolean }): void {
  if (message.id) last = message.id;
  if (message.open !== undefined) showState(message.open);
  if (message.gap) refreshAll();
  if (message.event) dispatch(message.event);
}

/** Reads one connection until it ends. Resolves true if it had been open. */
function readOnce(url: string): Promise<boolean> {
  return new Promise((done) => {
    const stream = new EventSource(last ? `${url}${url.includes("?") ? "&" : "?"}last=${encodeURIComponent(last)}` : url);
    let wasOpen = false;
    let watchdog = 0;
    const end = (): void => {
      clearTimeout(watchdog);
      stream.close();
      done(wasOpen);
    };
    stream.onopen = () => ((wasOpen = true), tell({ open: true }));
    stream.onmessage = (message) => tell({ event: JSON.parse(message.data) as LiveEvent, id: message.lastEventId });
    stream.addEventListener("ping", () => (clearTimeout(watchdog), (watchdog = window.setTimeout(end, STALE_AFTER))));
    stream.addEventListener("gap", () => tell({ gap: true })); // the server no longer has what came after our cursor
    stream.onerror = () => (wasOpen || void seeWhy(url), end()); // we reconnect ourselves: the browser gives up for good on a 5xx
  });
}

/** EventSource hides why it failed; a lapsed session is worth saying, as only the person can mend it. */
async function seeWhy(url: string): Promise<void> {
  const stop = new AbortController();
  const response = await fetch(url, { signal: stop.signal, headers: { Accept: "text/event-stream" } }).catch(() => null);
  stop.abort();
  if (response?.status === 401 || response?.status === 403) lostBecause = word("live-signed-out", "You are signed out. Reload the page to sign in.");
}

async function lead(url: string): Promise<never> {
  for (let tries = 0; ; ) {
    const wasOpen = await readOnce(url);
    tell({ open: false });
    tries = wasOpen ? 0 : tries + 1;
    const wait = Math.min(30_000, 1000 * 2 ** Math.min(tries, 5)) * (0.5 + Math.random() / 2);
    await Promise.race([pause(wait), new Promise((on) => window.addEventListener("online", on, { once: true }))]);
  }
}

export function start(): void {
  const url = setting("liveUrl");
  if (!url) return;
  if (channel) channel.onmessage = (message) => hear(message.data);
  if (channel && navigator.locks) void navigator.locks.request("postroom-live", () => lead(url));
  else void lead(url);
  window.addEventListener("offline", () => showState(false));
  window.addEventListener("pageshow", (event) => event.persisted && refreshAll());
}
