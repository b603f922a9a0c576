// The list of conversations and the thread beside it: j/k, o/u, pulling neighbours ahead.
//
// A row is `<a class="conv" data-row data-key-id="12" href="/case/12" data-fragment="/case/12/thread">`. Without scripts it is a link.

import { announce, all, post, visible, word } from "./page";
import { bind } from "./keys";
import { copyOf, doubt, fetchFragment, prefetch, show } from "./prefetch";
import { showPane } from "../elements/sidebar";
import { toast } from "../elements/toast";

let wanted = ""; // the fragment the agent asked for last; an older answer must not overtake it

/** The rows one can step through: those in sight, or all where a narrow window shows the conversation instead of the list. */
function rows(): HTMLElement[] {
  const whole = all("[data-row][data-fragment]");
  const seen = whole.filter(visible);
  return seen.length ? seen : whole;
}
const current = (): HTMLElement | null => document.querySelector<HTMLElement>("[data-row][aria-current='true']");

/** Opens a row's conversation: the copy in this frame, the truth as soon as it is here. */
export async function openRow(row: HTMLElement, push = true): Promise<void> {
  const url = row.dataset["fragment"]!;
  wanted = url;
  choose(row);
  showPane("thread");
  if (push) history.pushState({ fragment: url }, "", row.getAttribute("href") ?? "");
  const copy = copyOf(url);
  if (copy) (show(copy), shown(row));
  await settle(row, url, !!copy);
  void prefetch(neighbours(row));
}

async function settle(row: HTMLElement, url: string, had: boolean): Promise<void> {
  if (had && copyOf(url)?.fresh) return;
  const before = copyOf(url)?.html;
  try {
    const fragment = await fetchFragment(url);
    if (wanted !== url || fragment.html === before) return;
    show(fragment, had);
    if (!had) shown(row);
  } catch {
    if (wanted === url && !had) toast(word("not-opened", "This conversation could not be opened. Check the connection and try again."), { kind: "bad" });
  }
}

function choose(row: HTMLElement): void {
  for (const other of all("[data-row][aria-current]")) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  row.classList.remove("new");
  row.scrollIntoView({ block: "nearest" });
}

function shown(row: HTMLElement): void {
  const thread = document.getElementById("thread");
  const title = thread?.querySelector("[data-title]")?.textContent?.trim();
  if (title) (document.title = `${title} – Postroom`, announce(title));
  const seen = thread?.dataset["seenUrl"];
  if (seen) void post(seen, new FormData()).catch(() => undefined);
  document.dispatchEvent(new CustomEvent("thread:shown", { detail: { id: row.dataset["keyId"] } }));
}

function neighbours(row: HTMLElement): string[] {
  const list = rows();
  const at = list.indexOf(row);
  return [at + 1, at - 1, at + 2, at + 3].map((n) => list[n]?.dataset["fragment"]).filter((u): u is string => !!u);
}

function step(by: number): void {
  const list = rows();
  const at = current() ? list.indexOf(current()!) : by > 0 ? -1 : 0;
  const to = list[at + by];
  if (to) void openRow(to);
}

function back(event: Event): void {
  if (!document.querySelector(".work")) return;
  event.preventDefault();
  showPane("list");
  current()?.focus();
}

document.addEventListener("click", (event) => {
  const target = event.target as Element;
  const row = target.closest<HTMLElement>("[data-row][data-fragment]");
  if (row && !event.defaultPrevented && !target.closest("input, button, label") && event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
    event.preventDefault();
    void openRow(row);
  }
  const by = target.closest<HTMLElement>("[data-step]")?.dataset["step"];
  if (by) (event.preventDefault(), step(Number(by)));
});

document.addEventListener("pointerover", (event) => {
  const url = (event.target as Element).closest?.<HTMLElement>("[data-row][data-fragment]")?.dataset["fragment"];
  if (url) void prefetch([url]);
});

window.addEventListener("popstate", () => {
  const row = rows().find((r) => r.getAttribute("href") === location.pathname + location.search);
  if (row) void openRow(row, false);
  else location.reload();
});

document.addEventListener("live:any", (event) => {
  const id = String((event as CustomEvent<Record<string, unknown>>).detail["case"] ?? "");
  if (!id) return;
  const row = rows().find((r) => r.dataset["keyId"] === id);
  doubt(row?.dataset["fragment"]);
  if (!row || row !== current()) return;
  wanted = row.dataset["fragment"]!;
  void settle(row, wanted, true);
});

bind("j", word("next", "Next conversation"), (event) => (event.preventDefault(), step(1)), { repeat: true });
bind("k", word("previous", "Previous conversation"), (event) => (event.preventDefault(), step(-1)), { repeat: true });
bind("o", word("open", "Open"), () => current() && showPane("thread"));
bind("u", word("back-to-list", "Back to the list"), back);
bind("Escape", "", (event) => !document.querySelector("dialog[open], [popover]:popover-open") && !(event.target as Element).closest?.("pr-composer, pr-recipients") && back(event));

const open = current();
if (open) window.setTimeout(() => void prefetch(neighbours(open)), 200);
