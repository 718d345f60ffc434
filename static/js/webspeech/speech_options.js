/**
 * “Listen with” and “Speak with”: this site, or this browser where it can. Remembered, like the other options.
 * @import { Pickers } from "../ui/pickers.js"
 * @import { View } from "../ui/view.js"
 * @import { BrowserSpeech } from "./browser_speech.js"
 */

import { isInCall } from "../reducer/connection.js";
import { getField, remember, recall } from "../ui/devices.js";

/** @type {Half[]} */
const HALVES = ["listen", "speak"];
/**
 * The engine that serves each half of a talk here.
 * @type {Record<Half, Engine>}
 */
const ENGINES = { listen: "stt", speak: "tts" };

export class SpeechOptions {
  /**
   * `onChange("listen" | "speak", "site" | "browser")`: it shall be so now.
   * @param {View} view
   * @param {BrowserSpeech} browserSpeech
   * @param {Pickers} pickers
   * @param {(half: Half, by: Side) => void} onChange
   */
  constructor(view, browserSpeech, pickers, onChange) {
    this.view = view;
    this.browserSpeech = browserSpeech;
    this.pickers = pickers;
    this.onChange = onChange;
    /** @type {Set<Half>} */
    this.failed = new Set(); // the halves in which the browser failed: it is only tried again where that is asked for
    /** @type {Record<Half, Side> & { phase: Phase }} */
    this.shown = { ...this.choice, phase: "idle" };
    for (const half of HALVES) {
      const picker = view.part(half);
      picker.addEventListener("change", () => this.#chosen(half, /** @type {Side} */ (picker.value)));
    }
    browserSpeech.onVoices(() => {
      pickers.showVoices();
      if (isInCall(this.shown)) this.#draw();
      else this.show();
    });
  }

  /** Return {listen, speak}: what the user chose on this device, else the browser if the site has only the demo. */
  get choice() {
    const { demos } = this.#assistant;
    /** @type {(half: Half) => Side} */
    const choose = (half) => {
      const chosen = recall(half) || (demos.includes(ENGINES[half]) ? "browser" : "site");
      return chosen === "browser" && this.#can(half) && !this.failed.has(half) ? "browser" : "site";
    };
    return { listen: choose("listen"), speak: choose("speak") };
  }

  /**
   * Update the choices for another assistant or other voices; what was not chosen may change.
   * @type {() => void}
   */
  show() {
    const [before, choice] = [this.shown, this.choice];
    this.shown = { ...before, ...choice };
    for (const half of HALVES) {
      if (choice[half] !== before[half]) this.onChange(half, choice[half]);
    }
    this.#draw();
  }

  /**
   * Show what the session uses now.
   * @type {(state: State) => void}
   */
  follow({ listen, speak, phase }) {
    const before = this.shown;
    this.shown = { listen, speak, phase };
    const changed = HALVES.filter((half) => before[half] !== this.shown[half]);
    for (const half of changed) {
      if (this.shown[half] === "site" && recall(half) !== "site") this.failed.add(half);
    }
    if (changed.length > 0) this.#draw();
  }

  #draw() {
    for (const half of HALVES) {
      const picker = this.view.part(half);
      picker.value = this.shown[half];
      getField(picker).hidden = !this.#can(half);
    }
    this.pickers.offerVoicesOf(this.shown.speak);
    const { demos, missing, foreign, engines, language } = this.#assistant;
    const can = { listen: this.#can("listen"), speak: this.#can("speak") };
    this.view.showSpeech(this.shown, { demos, missing, foreign, engines, language, can });
  }

  /** @type {(half: Half, by: Side) => void} */
  #chosen(half, by) {
    remember(half, by);
    this.failed.delete(half);
    this.onChange(half, by);
  }

  /** @type {(half: Half) => boolean} */
  #can(half) {
    if (this.#assistant.isOneEngine) return false;
    return half === "listen" ? this.browserSpeech.canListen : this.browserSpeech.canSpeak(this.#assistant.language);
  }

  /** @type {Pick<Assistant, "language" | "demos" | "missing" | "foreign" | "engines" | "isOneEngine">} */
  get #assistant() {
    return this.pickers.assistant ?? { language: "", demos: [], missing: [], foreign: [], engines: [], isOneEngine: false };
  }
}
