/** The sound of one call: its AudioContext with the worklets, the microphone, and the player of the replies. */

import { Microphone } from "./microphone.js";
import { Player } from "./player.js";

const AUTOPLAY_WAIT_MS = 1500;
/** @type {Notice} */
const NO_SOUND = { tone: "error", text: "Your browser blocked the sound. Turn it on to hear the assistant.", action: "sound" };

export class CallAudio {
  /**
   * Make it inside the tap: browsers let sound begin only there. `speaker` is the id of the device that plays, or "".
   * @param {{ capture: string, playback: string }} worklets their URLs
   * @param {string} speaker
   * @param {SoundHandlers} handlers
   */
  constructor(worklets, speaker, handlers) {
    this.handlers = handlers;
    this.isClosed = false;
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.context.resume();
    this.context.onstatechange = () => this.#watch();
    this.timer = setTimeout(() => this.#watch(), AUTOPLAY_WAIT_MS);
    this.microphone = new Microphone(this.context, {
      onFrame: handlers.onFrame,
      onNotice: (notice) => handlers.onNotice("microphone", notice),
      onLost: handlers.onLost,
    });
    /** @type {Player | null} */
    this.player = null;
    /** Resolves when the worklets are loaded, and the player is there. */
    this.loaded = this.#load(worklets, speaker);
    this.loaded.catch(() => {}); // who waits for it is told
  }

  /** Let the sound go on after the browser has suspended it. */
  resume() {
    return this.context.resume();
  }

  /**
   * Send the sound to a speaker ("default" or an id), and return whether that worked.
   * @type {(deviceId: string) => Promise<boolean>}
   */
  async useSpeaker(deviceId) {
    const { setSinkId } = /** @type {{ setSinkId?: (id: string) => Promise<void> }} */ (this.context);
    if (!setSinkId || !deviceId) return true;
    try {
      await setSinkId.call(this.context, deviceId === "default" ? "" : deviceId);
      return true;
    } catch {
      return false;
    }
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.microphone.close();
    this.player?.close();
    this.context.close();
  }

  /** @type {(worklets: { capture: string, playback: string }, speaker: string) => Promise<void>} */
  async #load({ capture, playback }, speaker) {
    const modules = this.context.audioWorklet;
    await Promise.all([modules.addModule(capture), modules.addModule(playback)]);
    if (this.isClosed) return;
    await this.useSpeaker(speaker);
    if (this.isClosed) return;
    this.player = new Player(this.context, { onEvent: this.handlers.onEvent, onLevel: this.handlers.onLevel });
    this.microphone.listen();
  }

  #watch() {
    if (!this.isClosed) this.handlers.onNotice("sound", this.context.state === "running" ? null : NO_SOUND);
  }
}
