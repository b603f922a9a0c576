// <pr-mailframe>: a letter's HTML in a frame that may run nothing. The frame is same-origin without scripts, so that we can measure it
// and pass its keys on; the server sanitises the HTML and sends it with its own Content-Security-Policy.
//
//   <pr-mailframe><iframe src="/messages/7/body" sandbox="allow-popups allow-popups-to-escape-sandbox allow-same-origin" title="..."></iframe></pr-mailframe>

import { listen } from "../core/keys";

const TALLEST = 20_000; // px

export class Mailframe extends HTMLElement {
  #watch: ResizeObserver | null = null;

  connectedCallback(): void {
    const frame = this.querySelector("iframe");
    if (!frame) return;
    frame.addEventListener("load", () => this.#loaded(frame));
    if (frame.contentDocument?.readyState === "complete" && frame.contentDocument.URL !== "about:blank") this.#loaded(frame);
  }

  disconnectedCallback(): void {
    this.#watch?.disconnect();
  }

  #loaded(frame: HTMLIFrameElement): void {
    const inside = frame.contentDocument;
    if (!inside?.body) return;
    listen(inside);
    const fit = (): void => {
      const height = Math.min(TALLEST, Math.max(inside.body.scrollHeight, inside.body.getBoundingClientRect().bottom + 1));
      frame.style.blockSize = `${Math.ceil(height)}px`;
    };
    this.#watch?.disconnect();
    this.#watch = new ResizeObserver(fit);
    this.#watch.observe(inside.body);
    fit();
  }
}

customElements.define("pr-mailframe", Mailframe);
