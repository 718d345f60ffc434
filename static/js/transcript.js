/** The captions on the page: one bubble per item, changed in place. */

import { spokenText } from "./captions.js";

const NEAR_END_PX = 80;

export class Transcript {
  /** `list`: an <ol>; `scroller`: what scrolls it; `names`: {user, assistant}. */
  constructor(list, scroller, names) {
    this.list = list;
    this.scroller = scroller;
    this.names = names;
    this.bubbles = new Map();
    this.shown = {};
    // Only who scrolls back stops it: a notice or a phone's keyboard that takes room does not.
    this.follows = true;
    scroller.addEventListener("scroll", () => (this.follows = this.#isAtEnd()));
    new ResizeObserver(() => this.#follow()).observe(scroller);
  }

  /** `lag`: samples that were rendered but cannot be heard yet. */
  render({ items, order }, lag) {
    let changed = this.#removeOthers(items);
    order.forEach((id, index) => {
      const bubble = this.#bubble(id, items[id], index);
      if (this.shown[id] !== items[id]) changed = show(bubble, items[id], wordsOf(items[id], lag)) || changed;
    });
    this.shown = items; // an item that is still the same object looks the same
    if (changed) this.#follow();
  }

  #follow() {
    if (this.follows) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #bubble(id, item, index) {
    const known = this.bubbles.get(id);
    if (known) return known;
    const bubble = document.createElement("li");
    bubble.className = `bubble ${item.role}`;
    const name = document.createElement("span");
    name.className = "visually-hidden";
    name.textContent = `${this.names[item.role]}: `;
    bubble.append(name, document.createElement("span"));
    this.list.insertBefore(bubble, this.list.children[index] ?? null);
    this.bubbles.set(id, bubble);
    return bubble;
  }

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

function wordsOf(item, lag) {
  if (!item.track) return item.text;
  const words = spokenText(item.track, item.played - (isOver(item) ? 0 : lag));
  return item.cut && words ? `${words.trimEnd()} …` : words;
}

/** Whether its clock has stopped: then nothing is on its way to the ear any more. */
function isOver(item) {
  return item.cut || (item.track.ended && item.played >= item.track.received);
}

function show(bubble, item, words) {
  const text = bubble.lastChild;
  const wasHidden = bubble.hidden;
  bubble.hidden = !words && !item.pending;
  bubble.classList.toggle("pending", Boolean(item.pending));
  bubble.classList.toggle("cut", Boolean(item.cut));
  if (text.textContent === words) return bubble.hidden !== wasHidden;
  text.textContent = words;
  return true;
}
