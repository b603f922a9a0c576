// What only the agent's pages need: seen marks, images on request, files taken off a draft, the signature of the chosen sender, the clock's zone.

import { all, post } from "../core/page";

/** The open email has been looked at. A prefetched one has not; list.ts tells of those it shows. */
function tellSeen(): void {
  const url = document.getElementById("thread")?.dataset["seenUrl"];
  if (url) void post(url, new FormData()).catch(() => undefined);
}

/** Something arrived in the email that is open: who looks at it has seen it, and the list says so. */
async function seenLive(event: CustomEvent<Record<string, unknown>>): Promise<void> {
  const thread = document.getElementById("thread");
  if (event.detail["kind"] !== "letter.filed" || document.hidden || String(event.detail["case"]) !== thread?.dataset["case"]) return;
  await post(thread.dataset["seenUrl"]!, new FormData()).catch(() => undefined);
  document.getElementById("list")?.dispatchEvent(new CustomEvent("live"));
}

/** "Show once": the same letter again, with what lies on other servers. */
function showImages(link: HTMLAnchorElement): void {
  const frame = link.closest("article")?.querySelector("iframe");
  if (!frame) return;
  frame.src = link.href;
  link.closest("[data-banner]")?.remove();
}

/** Takes an uploaded file off the draft on the server too. */
function removeFile(button: Element): void {
  const id = button.closest(".file")?.querySelector<HTMLInputElement>("input[name=attachment]")?.value;
  if (id) void post(`/files/${encodeURIComponent(id)}/remove`, new FormData()).catch(() => undefined);
}

function showSignature(select: HTMLSelectElement): void {
  const thread = document.getElementById("thread");
  const form = select.form;
  if (!thread || !form) return;
  const signatures = JSON.parse(thread.dataset["signatures"] || "{}") as Record<string, string>;
  const shown = form.querySelector<HTMLElement>(".sig");
  if (shown) shown.textContent = signatures[select.value] ?? "";
}

document.addEventListener(
  "click",
  (event) => {
    const target = event.target as Element;
    const images = target.closest<HTMLAnchorElement>("[data-images]");
    if (images) (event.preventDefault(), showImages(images));
    const remove = target.closest("[data-files] [data-remove]");
    if (remove) removeFile(remove); // before the composer takes the element away
  },
  true,
);
document.addEventListener("change", (event) => {
  const select = (event.target as Element).closest<HTMLSelectElement>("pr-composer select[name=sender]");
  if (select) showSignature(select);
});

let moved = false; // by the reader, since the thread was shown

/** A thread is read from its end; a last message taller than the window from its own beginning. */
function toEnd(): void {
  moved = false;
  for (const place of all("[data-stick=end]")) {
    const last = all("article.msg", place).pop();
    const top = last ? last.getBoundingClientRect().top - place.getBoundingClientRect().top + place.scrollTop - 12 : Infinity;
    place.scrollTop = Math.min(place.scrollHeight, top);
  }
}

/** A letter's frame finds its height only once it has loaded. */
function againAfterFrame(event: Event): void {
  if (!moved && (event.target as Element).matches("[data-stick=end] iframe")) requestAnimationFrame(toEnd);
}

for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) document.addEventListener(name, () => (moved = true), { passive: true, capture: true });
document.addEventListener("load", againAfterFrame, true);

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`tz=${zone}`)) document.cookie = `tz=${zone};path=/;max-age=31536000;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
document.addEventListener("thread:shown", toEnd);
document.addEventListener("live:any", (event) => void seenLive(event as CustomEvent<Record<string, unknown>>));
/** A thread that was replaced as a whole, as after sending, starts at its end again; one that was only brought up to date stays where it is. */
let thread = document.getElementById("thread");
document.addEventListener("htmx:after:swap", (event) => {
  const now = document.getElementById("thread");
  const asked = (event as CustomEvent<{ ctx?: { sourceElement?: Element } }>).detail.ctx?.sourceElement;
  if (now !== thread || asked?.matches("[data-review]")) toEnd();
  thread = now;
});
if (location.hash.startsWith("#message-")) document.querySelector(location.hash)?.scrollIntoView();
else toEnd();
tellSeen();
