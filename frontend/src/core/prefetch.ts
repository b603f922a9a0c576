// Opens conversations at once: the neighbours of the open one are already here. A cache of 50 fragments, the longest unused go first.
//
// A fragment is the server's HTML for the thread: top elements with ids (`#thread`, `#context`), each of which takes the place of
// the element of the same id. What was cached is shown at once and read again behind it; the server answers 304 when it is the same.

import htmx from "./htmx";
import { all } from "./page";

interface Fragment {
  html: string;
  etag: string;
  at: number;
  fresh: boolean;
}

const LIMIT = 50;
const kept = new Map<string, Fragment>();
const coming = new Map<string, Promise<Fragment>>();

/** The fragment of a URL, from here if it is here. Throws when there is neither a copy nor a connection. */
export async function fetchFragment(url: string): Promise<Fragment> {
  const copy = kept.get(url);
  if (copy?.fresh) return touch(url, copy);
  const running = coming.get(url) ?? load(url, copy).finally(() => coming.delete(url));
  coming.set(url, running);
  return running;
}

/** What is here now, stale or not; undefined if nothing. */
export const copyOf = (url: string): Fragment | undefined => kept.get(url);

/** Reads fragments ahead, one after the other so that they never delay what the agent asked for. */
export async function prefetch(urls: string[]): Promise<void> {
  for (const url of urls) if (!kept.get(url)?.fresh) await fetchFragment(url).catch(() => undefined);
}

/** Something happened to these: show the copy if asked, but read it again. Without a url, all of them. */
export function doubt(url?: string): void {
  for (const [key, fragment] of kept) if (!url || key === url) fragment.fresh = false;
}

async function load(url: string, copy?: Fragment): Promise<Fragment> {
  const headers: Record<string, string> = { "HX-Request": "true", "X-Prefetch": "1" };
  if (copy?.etag) headers["If-None-Match"] = copy.etag;
  const response = await fetch(url, { headers, cache: "no-store", credentials: "same-origin", redirect: "error" });
  if (response.status === 304 && copy) return touch(url, { ...copy, at: Date.now(), fresh: true });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return touch(url, { html: await response.text(), etag: response.headers.get("ETag") ?? "", at: Date.now(), fresh: true });
}

function touch(url: string, fragment: Fragment): Fragment {
  kept.delete(url);
  kept.set(url, fragment);
  for (const oldest of kept.keys()) {
    if (kept.size <= LIMIT) break;
    kept.delete(oldest);
  }
  return fragment;
}

/** Puts a fragment on the page: replaced as a whole for another conversation, morphed for a newer copy of the same. */
export function show(fragment: Fragment, morph = false): void {
  const content = document.createRange().createContextualFragment(fragment.html);
  for (const counting of all("[data-until]", content)) counting.dataset["received"] = String(fragment.at);
  for (const part of all("[id]", content).filter((e) => e.parentNode === content)) {
    const old = document.getElementById(part.id);
    if (!old) continue;
    if (morph) void htmx.swap({ text: part.outerHTML, target: old, swap: "outerMorph" } as never);
    else (old.replaceWith(part), htmx.process(part));
  }
}
