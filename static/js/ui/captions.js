/** The captions on the page: one bubble for each item, updated in place, with its state below it. */

import { buildButton } from "./button.js";
import { getSpokenText } from "../reducer/captions.js";

const NEAR_END_PX = 80;
/**
 * What is said beneath a bubble, and the button beside it.
 * @typedef {{ text: string, action?: string, label?: string }} Note
 */
/** @typedef {HTMLLIElement} Bubble */

/** @type {Note} */
const SENDING = { text: "Sending…" };
/** @type {Note} */
const UNSENT = { text: "Not sent.", action: "resend", label: "Send again" };
/** @type {Note} */
const NOT_HEARD = { text: "What you said was not understood.", action: "transcribe", label: "Try again" };

/** The list of bubbles. */
export class Captions {
  /**
   * `list`: an <ol>; `scroller`: what scrolls it; `names`: {user, assistant}; `onAction(action, id)`: a bubble's button.
   * @param {HTMLOListElement} list
   * @param {HTMLElement} scroller
   * @param {{ user: string, assistant: string }} names
   * @param {(action: string, id: string) => void} onAction
   */
  constructor(list, scroller, names, onAction) {
    this.onAction = onAction;
    this.list = list;
    this.scroller = scroller;
    this.names = names;
    /** @type {Map<string, Bubble>} */
    this.bubbles = new Map();
    /** @type {State["items"]} */
    this.shown = {};
    // Only who scrolls back stops it: a notice or a phone's keyboard that takes room does not.
    this.follows = true;
    scroller.addEventListener("scroll", () => (this.follows = this.#isAtEnd()));
    new ResizeObserver(() => this.#follow()).observe(scroller);
  }

  /**
   * Update the bubbles. `lag` is the number of samples that were rendered but cannot be heard yet.
   * @type {(state: State, lag: number) => void}
   */
  render({ items, order }, lag) {
    let changed = this.#removeOthers(items);
    order.forEach((id, index) => {
      const bubble = this.#bubble(id, items[id], index);
      if (this.shown[id] === items[id]) return;
      changed = show(bubble, items[id], getShownWords(items[id], lag)) || changed;
      changed = this.#showNote(/** @type {HTMLElement} */ (bubble.lastChild), id, getNote(items[id])) || changed;
    });
    this.shown = items; // an item that is still the same object looks the same
    if (changed) this.#follow();
  }

  #follow() {
    if (this.follows) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** @type {(id: string, item: TalkItem, index: number) => Bubble} */
  #bubble(id, item, index) {
    const known = this.bubbles.get(id);
    if (known) return known;
    const bubble = document.createElement("li");
    bubble.dataset.item = id;
    bubble.className = `bubble ${item.role}`;
    const name = document.createElement("span");
    name.className = "visually-hidden";
    name.textContent = `${this.names[item.role]}: `;
    const note = document.createElement("p");
    note.className = "note";
    note.hidden = true;
    bubble.append(name, document.createElement("span"), note);
    this.list.insertBefore(bubble, this.list.children[index] ?? null);
    this.bubbles.set(id, bubble);
    return bubble;
  }

  /** @type {(note: HTMLElement, id: string, said: Note | null) => boolean} */
  #showNote(note, id, said) {
    if (note.dataset.about === (said?.text ?? "")) return false;
    note.dataset.about = said?.text ?? "";
    note.hidden = said === null;
    note.replaceChildren(said?.text ?? "");
    const { action, label } = said ?? {};
    if (action && label) note.append(buildButton(label, () => this.onAction(action, id)));
    return true;
  }

  /** @type {(items: State["items"]) => boolean} */
  #removeOthers(items) {
    const gone = [...this.bubbles].filter(([id]) => !(id in items));
    for (const [id, bubble] of gone) {
      bubble.remove();
      this.bubbles.delete(id);
    }
    return gone.length > 0;
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }
}

/** @type {(item: TalkItem, lag: number) => string} */
function getShownWords(item, lag) {
  if (!item.track) return item.text;
  const words = getSpokenText(item.track, item.played - (isOver(item) ? 0 : lag));
  return item.cut && words ? `${words.trimEnd()} …` : words;
}

/**
 * Return whether the clock of the item has stopped: nothing is on its way to the ear any more.
 * @type {(item: SpokenItem) => boolean}
 */
function isOver(item) {
  return Boolean(item.cut) || (item.track.ended && item.played >= item.track.received);
}

/** @type {(item: TalkItem) => Note | null} */
function getNote({ delivery, retry }) {
  if (retry === "offered") return NOT_HEARD;
  return delivery ? { sending: SENDING, unsent: UNSENT }[delivery] : null;
}

/** @type {(bubble: Bubble, item: TalkItem, words: string) => boolean} */
function show(bubble, item, words) {
  const text = bubble.children[1];
  const wasHidden = bubble.hidden;
  bubble.hidden = !words && !item.pending && item.retry !== "offered";
  bubble.classList.toggle("sending", item.delivery === "sending");
  bubble.classList.toggle("unsent", item.delivery === "unsent" || item.retry === "offered");
  bubble.classList.toggle("pending", Boolean(item.pending));
  bubble.classList.toggle("cut", Boolean(item.cut));
  if (text.textContent === words) return bubble.hidden !== wasHidden;
  text.textContent = words;
  return true;
}
