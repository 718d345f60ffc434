/**
 * The button beside the voice picker, with which one hears a voice of the site before the call.
 * @import { View } from "./view.js"
 */

const LISTEN = "Listen";
const STOP = "Stop";
const FAILED = "This voice can’t be played just now. Try again in a moment.";

export class VoiceSample {
  /** @param {View} view */
  constructor(view) {
    this.url = "";
    this.button = view.part("sample");
    this.status = view.part("sample-status");
    /** @type {HTMLAudioElement | null} */
    this.audio = null;
    this.button.addEventListener("click", () => (this.audio ? this.stop() : void this.#play()));
  }

  /**
   * Offer what can be heard at `url`, nothing for "", and be silent.
   * @type {(url: string) => void}
   */
  offer(url) {
    this.url = url;
    this.stop();
    this.#tell("");
    this.button.hidden = !url;
  }

  stop() {
    this.audio?.pause();
    this.audio = null;
    this.button.textContent = LISTEN;
  }

  async #play() {
    const audio = new Audio(this.url);
    this.audio = audio;
    this.#tell("");
    this.button.textContent = STOP;
    audio.addEventListener("ended", () => this.#end(audio));
    try {
      await audio.play();
    } catch {
      if (this.#end(audio)) this.#tell(FAILED);
    }
  }

  /**
   * Return whether it was this sample that sounded, and not one that was stopped before.
   * @type {(audio: HTMLAudioElement) => boolean}
   */
  #end(audio) {
    if (this.audio !== audio) return false;
    this.stop();
    return true;
  }

  /** @type {(text: string) => void} */
  #tell(text) {
    this.status.textContent = text;
    this.status.hidden = !text;
  }
}
