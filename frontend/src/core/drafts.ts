// Drafts that survive: in this browser within 300 ms, on the server within a second, whatever happens to the tab, the line or the sign-in.
//
// Kept in IndexedDB under (conversation, author, kind). A copy goes when the server has taken the same text, or the letter is sent.

import { pause, post } from "./page";

export type Field = [name: string, value: string];

export interface Draft {
  key: string; // "case:author:kind"
  values: Field[]; // the fields of the form, in order
  at: number; // ms, this browser's clock
  saved: boolean; // the server has it
}

export type Saving = "saved" | "local" | "waiting" | "signed-out" | "refused";

const STORE = "drafts";
let opening: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opening ??= new Promise((done, fail) => {
    const request = indexedDB.open("postroom", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  return opening;
}

async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  try {
    const request = act((await open()).transaction(STORE, mode, { durability: "strict" }).objectStore(STORE));
    return await new Promise((done, fail) => ((request.onsuccess = () => done(request.result)), (request.onerror = () => fail(request.error))));
  } catch {
    return undefined; // private windows may have no storage; the server's copy remains
  }
}

export const keep = (draft: Draft): Promise<unknown> => run("readwrite", (store) => store.put(draft));
export const recall = (key: string): Promise<Draft | undefined> => run("readonly", (store) => store.get(key) as IDBRequest<Draft | undefined>);
export const forget = (key: string): Promise<unknown> => run("readwrite", (store) => store.delete(key));

/** Keeps one form's text, here and on the server; says how it stands by `told`. */
export class Keeper {
  #latest: Draft | null = null;
  #timer = 0;
  #sending = false;
  #stopped = false;

  constructor(
    private key: string,
    private url: string,
    private told: (state: Saving) => void,
  ) {
    window.addEventListener("online", () => void this.#send());
    window.addEventListener("pagehide", () => this.#leave());
  }

  /** The newer text of this browser, if the server has not got it. */
  async unsaved(): Promise<Draft | undefined> {
    const draft = await recall(this.key);
    return draft && !draft.saved ? draft : undefined;
  }

  /** The text has changed. */
  change(values: Field[]): void {
    this.#stopped = false;
    const first = !this.#latest || this.#latest.saved;
    this.#latest = { key: this.key, values, at: Date.now(), saved: false };
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#write(), first ? 50 : 250);
  }

  /** The letter is on its way, or thrown away: no copy may come back. */
  async end(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#latest = null;
    await forget(this.key);
  }

  async #write(): Promise<void> {
    if (!this.#latest || this.#stopped) return;
    await keep(this.#latest);
    this.told("local");
    window.setTimeout(() => void this.#send(), 350);
  }

  async #send(): Promise<void> {
    const draft = this.#latest;
    if (!draft || draft.saved || this.#sending || this.#stopped || !this.url) return;
    this.#sending = true;
    const state = await this.#offer(draft);
    this.#sending = false;
    if (this.#stopped) return void forget(this.key);
    this.told(state);
    if (state === "saved" && this.#latest === draft) await keep((this.#latest = { ...draft, saved: true }));
    else if (state === "saved") void this.#send();
    else if (state !== "refused") void pause(5000).then(() => this.#send());
  }

  async #offer(draft: Draft): Promise<Saving> {
    try {
      const response = await post(this.url, new URLSearchParams(draft.values));
      if (response.ok) return "saved";
      if (response.type === "opaqueredirect" || response.status === 401 || response.status === 403) return "signed-out";
      return response.status >= 500 ? "waiting" : "refused";
    } catch {
      return "waiting";
    }
  }

  /** The page goes: hand the last words over without waiting. */
  #leave(): void {
    const draft = this.#latest;
    if (!draft || draft.saved || this.#stopped || !this.url) return;
    void keep(draft);
    void post(this.url, new URLSearchParams(draft.values), { keepalive: true }).catch(() => undefined);
  }
}
