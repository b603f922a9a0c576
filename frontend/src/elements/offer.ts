// <pr-offer>: an email offered to the agent. The server writes the card with two real forms; this counts down, takes A and D, keeps clear
// of the Send button, and tells an agent who looks elsewhere (title, sound, notification: each only if switched on).

import { bind } from "../core/keys";
import { all, announce, clockAhead, secondsLeft, setting, visible, word } from "../core/page";

const SOON = 5; // seconds
const TOO_SOON = 600; // ms
const ROUND = 100; // the ring's dasharray

export class Offer extends HTMLElement {
  #timer = 0;
  #ahead = 0;
  #whole = 1;
  #title = "";
  since = 0; // performance.now() when it appeared

  connectedCallback(): void {
    this.since = performance.now();
    this.#ahead = clockAhead(this);
    this.#whole = Number(this.dataset["seconds"]) || Math.max(1, this.left);
    this.#timer = window.setInterval(() => this.#tick(), 250);
    this.#tick();
    this.#keepClear();
    this.#tell();
    addEventListener("resize", this.#keepClear);
  }

  disconnectedCallback(): void {
    clearInterval(this.#timer);
    removeEventListener("resize", this.#keepClear);
    if (this.#title) document.title = this.#title;
  }

  get left(): number {
    return secondsLeft(this.dataset["until"] ?? "", this.#ahead);
  }

  answer(how: "accept" | "decline"): void {
    const button = this.querySelector<HTMLButtonElement>(`[data-${how}]`);
    button?.click();
  }

  #tick(): void {
    const left = this.left;
    for (const place of all("[data-left]", this)) place.textContent = String(Math.ceil(left));
    const ring = this.querySelector<SVGCircleElement>(".ringc .left");
    if (ring) ring.style.strokeDashoffset = String(ROUND * (1 - left / this.#whole));
    this.classList.toggle("soon", left <= SOON);
    if (left > 0) return;
    clearInterval(this.#timer);
    announce(word("offer-gone", "The offer has gone"));
    this.dispatchEvent(new CustomEvent("offer:gone", { bubbles: true }));
    this.hidden = true;
  }

  #keepClear = (): void => {
    this.classList.remove("top");
    const own = this.getBoundingClientRect();
    const covers = all("[data-send]").filter(visible).some((send) => meets(own, send.getBoundingClientRect()));
    this.classList.toggle("top", covers);
  };

  #tell(): void {
    const what = this.querySelector("[data-subject]")?.textContent?.trim() ?? "";
    announce(word("offered", "Email offered: {what}. A accepts, D declines.", { what }), true);
    if (document.hidden) (this.#title = document.title, document.title = `● ${what}`);
    if (setting("sound") === "on") chime();
    if (document.hidden && setting("notify") === "on" && "Notification" in window && Notification.permission === "granted") new Notification(word("offered-short", "Email offered"), { body: what, tag: "offer" });
  }
}

const meets = (a: DOMRect, b: DOMRect): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Two soft tones, made here: no file to fetch. */
function chime(): void {
  try {
    const context = new AudioContext();
    [660, 880].forEach((pitch, n) => {
      const tone = context.createOscillator();
      const volume = context.createGain();
      const at = context.currentTime + n * 0.16;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.12, at);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.3);
    });
  } catch {
    // a browser that has not been clicked yet plays nothing; the card is there all the same
  }
}

/** A and D belong to the offer while it is shown. Pressed in the moment it appears they were meant for something else: nothing happens. */
function answer(event: KeyboardEvent, how: "accept" | "decline"): void {
  const offer = all<Offer>("pr-offer").find(visible);
  if (!offer) return;
  event.preventDefault();
  if (performance.now() - offer.since > TOO_SOON) offer.answer(how);
}

bind("a", word("accept", "Accept the offered email"), (event) => answer(event, "accept"), { urgent: true });
bind("d", word("decline", "Decline the offered email"), (event) => answer(event, "decline"), { urgent: true });

customElements.define("pr-offer", Offer);
