// htmx as we use it: our token on every request, no swap of error pages, a toast instead. It never evaluates strings: hx-on and js: are not used.

import htmx from "htmx.org";
import { csrf, setting, word } from "./page";
import { toast } from "../elements/toast";

interface Detail {
  ctx?: { request?: { headers: Record<string, string> }; response?: { status: number; raw?: Response } };
}

htmx.config.morphSkip = "[hx-morph-skip], pr-composer, pr-palette, pr-mailframe, dialog[open]:not(#drawer)";
htmx.config.noSwap = [204, 304, 401, 403, 404, "5xx"] as unknown as number[];
htmx.config.includeIndicatorCSS = false;

document.addEventListener("htmx:config:request", (event) => {
  const request = (event as CustomEvent<Detail>).detail.ctx?.request;
  if (request) request.headers["X-CSRFToken"] = csrf();
});

document.addEventListener("htmx:response:error", (event) => {
  const status = (event as CustomEvent<Detail>).detail.ctx?.response?.status ?? 0;
  if (status !== 409 && status !== 422) toast(explain(status), { kind: "bad" });
});

document.addEventListener("htmx:error", () => {
  if (!navigator.onLine) toast(word("offline", "No connection. Nothing was changed; try again when you are online."), { kind: "bad" });
});

// A redirect to the sign-in page is followed by fetch, and must not be swapped into the middle of a page.
document.addEventListener("htmx:before:swap", (event) => {
  const raw = (event as CustomEvent<Detail>).detail.ctx?.response?.raw;
  if (!raw?.redirected || !setting("signInUrl") || new URL(raw.url).pathname !== setting("signInUrl")) return;
  event.preventDefault();
  toast(explain(401), { kind: "bad" });
});

function explain(status: number): string {
  if (status === 401 || status === 403) return word("signed-out", "You are signed out, or this is not allowed to you. Reload the page to sign in.");
  if (status === 404) return word("gone", "This is not here any more. Somebody may have moved it.");
  if (status === 429) return word("slow-down", "Too many requests. Wait a moment and try again.");
  return word("server-error", "The server could not do that ({status}). Nothing was changed.", { status });
}

export default htmx;
