/** The sound of one call: its AudioContext, with the worklets loaded, and whether the browser lets it play. */

const AUTOPLAY_WAIT_MS = 1500;
/** @type {Notice} */
const NO_SOUND = { tone: "error", text: "The browser holds the sound back until you ask for it.", action: "sound" };

export class Sound {
  /**
   * Make it within the tap: browsers let sound begin only there.
   * `onNotice(notice | null)` when the browser holds the sound back, or no longer.
   * @param {{ capture: string, playback: string }} worklets their URLs
   * @param {(notice: Notice | null) => void} onNotice
   */
  constructor(worklets, onNotice) {
    this.onNotice = onNotice;
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.context.resume();
    this.context.onstatechange = () => this.#watch();
    this.timer = setTimeout(() => this.#watch(), AUTOPLAY_WAIT_MS);
    this.loaded = this.#load(worklets);
    this.loaded.catch(() => {}); // who waits for it is told
  }

  resume() {
    return this.context.resume();
  }

  close() {
    clearTimeout(this.timer);
    this.context.close();
  }

  /** @type {(worklets: { capture: string, playback: string }) => Promise<unknown>} */
  #load({ capture, playback }) {
    return Promise.all([this.context.audioWorklet.addModule(capture), this.context.audioWorklet.addModule(playback)]);
  }

  #watch() {
    if (this.context.state !== "closed") this.onNotice(this.context.state === "running" ? null : NO_SOUND);
  }
}
