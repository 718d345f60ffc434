/** “Listen with” and “Speak with”: this site, or this browser where it can. Remembered, like the other options. */

import { isInCall } from "../reducer/connection.js";
import { remember, remembered } from "../ui/devices.js";

/** Each half of a talk, and the engine that serves it here. */
const HALVES = { listen: "stt", speak: "tts" };

export class SpeechOptions {
  /** `onChange("listen" | "speak", "site" | "browser")`: it shall be so now. */
  constructor(view, browserSpeech, pickers, onChange) {
    Object.assign(this, { view, browserSpeech, pickers, onChange });
    this.failed = new Set(); // the halves in which the browser failed: it is only tried again where that is asked for
    this.shown = { ...this.choice, phase: "idle" };
    for (const half of Object.keys(HALVES)) {
      view.part(half).addEventListener("change", ({ target }) => this.#chosen(half, target.value));
    }
    browserSpeech.onVoices(() => {
      pickers.showVoices();
      if (isInCall(this.shown)) this.#draw();
      else this.show();
    });
  }

  /** {listen, speak}: what the person chose on this device; without a choice, the browser where the site has but the demo. */
  get choice() {
    const demos = this.#assistant.demos;
    const choose = (half) => {
      const chosen = remembered(half) || (demos.includes(HALVES[half]) ? "browser" : "site");
      return chosen === "browser" && this.#can(half) && !this.failed.has(half) ? "browser" : "site";
    };
    return { listen: choose("listen"), speak: choose("speak") };
  }

  /** Another assistant, or other voices: what was not chosen may be otherwise now. */
  show() {
    const [before, choice] = [this.shown, this.choice];
    this.shown = { ...before, ...choice };
    for (const [half, by] of Object.entries(choice)) {
      if (by !== before[half]) this.onChange(half, by);
    }
    this.#draw();
  }

  /** Shows how the session has it now. */
  follow({ listen, speak, phase }) {
    const before = this.shown;
    this.shown = { listen, speak, phase };
    const changed = Object.keys(HALVES).filter((half) => before[half] !== this.shown[half]);
    for (const half of changed) {
      if (this.shown[half] === "site" && remembered(half) !== "site") this.failed.add(half);
    }
    if (changed.length > 0) this.#draw();
  }

  #draw() {
    for (const half of Object.keys(HALVES)) {
      const picker = this.view.part(half);
      picker.value = this.shown[half];
      picker.closest(".field").hidden = !this.#can(half);
    }
    this.pickers.offerVoicesOf(this.shown.speak);
    const { demos, missing } = this.#assistant;
    const can = { listen: this.#can("listen"), speak: this.#can("speak") };
    this.view.showSpeech(this.shown, { demos, missing, can });
  }

  #chosen(half, by) {
    remember(half, by);
    this.failed.delete(half);
    this.onChange(half, by);
  }

  #can(half) {
    if (this.#assistant.isOneEngine) return false;
    return half === "listen" ? this.browserSpeech.canListen : this.browserSpeech.canSpeak(this.#assistant.language);
  }

  get #assistant() {
    return this.pickers.assistant ?? { language: "", demos: [], missing: [], isOneEngine: false };
  }
}
