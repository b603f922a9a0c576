// HTML from elsewhere (the clipboard, a stored draft, a canned answer) on its way into the editor: only what a letter needs stays.
//
// DOMPurify does it, and is fetched when the first HTML comes: most replies are typed. The server cleans every letter again before it
// goes out, so this protects only the person who pastes.

import type DOMPurify from "dompurify";

const ALLOWED = {
  ALLOWED_TAGS: ["a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "i", "img", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"],
  ALLOWED_ATTR: ["href", "src", "alt", "title", "colspan", "rowspan", "dir", "width", "height", "data-cid"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|cid:|data:image\/(?:png|jpeg|gif|webp);)/i,
  RETURN_DOM_FRAGMENT: true as const,
};

let purify: typeof DOMPurify | null = null;

/** Fetches the cleaner; until it is here `clean` gives text only. */
export async function readyToClean(): Promise<void> {
  purify ??= (await import("dompurify")).default;
}

export const canClean = (): boolean => purify !== null;

/** The allowed part of some HTML. */
export function clean(html: string): DocumentFragment {
  if (purify) return document.importNode(purify.sanitize(html, ALLOWED), true);
  const text = new DOMParser().parseFromString(html, "text/html").body.textContent ?? "";
  const fragment = document.createDocumentFragment();
  fragment.append(text);
  return fragment;
}
