/**
 * Bring samples from the jitter buffer to the sound card: at its native rate, and without clicks. Pure; the worklet
 * calls it.
 */

import { JitterBuffer, WIRE_RATE } from "./jitter_buffer.js";
import { joinSamples, Resampler } from "./resampler.js";

const BLOCK = 96; // 4 ms of the wire's rate
const HOLD = 0.9; // per sample: a gap decays from the last sample in 2 ms instead of jumping to zero
const FADE_MS = 8;

/** The replies that are played, and the fade between sound and silence. */
export class Playout {
  /** @param {number} nativeRate */
  constructor(nativeRate) {
    this.buffer = new JitterBuffer();
    this.resampler = new Resampler(WIRE_RATE, nativeRate);
    this.wirePerNative = WIRE_RATE / nativeRate;
    this.ready = new Float32Array(0); // resampled, not yet played
    this.fade = Math.round((nativeRate * FADE_MS) / 1000);
    this.rise = 0; // 0 is silent, `fade` is full
    this.wish = "play"; // play, pause or stop; the rise follows it
    this.faded = 0; // of `ready`, what was rendered on the way down to a pause
    this.last = 0;
    this.tail = 0; // blocks still to push so that the resampler gives back what it holds
  }

  /**
   * Add audio to a reply. `pcm` is an Int16Array. After `stop`, wait until it is done, or given up because the sound
   * system sleeps.
   * @type {(item: string, pcm: Int16Array) => void}
   */
  add(item, pcm) {
    if (this.wish === "stop") this.#drop();
    this.buffer.add(item, pcm);
  }

  /** Fade out and hold the position. What sounds during the fade counts as not played, and is repeated on `resume`. */
  pause() {
    if (this.wish === "play") this.wish = "pause";
  }

  /** Fade in, and go on after `pause`. */
  resume() {
    if (this.wish === "pause") this.wish = "play";
  }

  /** Begin the fade-out; `render` reports `stopped` when it is silent. */
  stop() {
    this.wish = "stop";
  }

  /** Return the reply that is being played, or the next one, and how many of its samples were played. */
  get position() {
    const reply = this.buffer.current;
    const played = (reply?.played ?? 0) - this.ready.length * this.wirePerNative;
    return { item: reply?.item ?? null, samples: Math.max(0, Math.round(played)) };
  }

  /**
   * Fill `out` (native rate, mono), and return what happened: {type: "finished" | "stopped", item, samples}.
   * @type {(out: Float32Array) => PlayoutEvent[]}
   */
  render(out) {
    /** @type {PlayoutEvent[]} */
    const events = [];
    if (this.wish === "play" || this.rise > 0) this.#sound(out, events);
    if (this.wish === "stop" && this.rise === 0) events.push(this.#stopped());
    return events;
  }

  /** @type {(out: Float32Array, events: PlayoutEvent[]) => void} */
  #sound(out, events) {
    this.#fill(this.faded + out.length, events);
    const count = Math.min(out.length, this.ready.length - this.faded);
    for (let i = 0; i < count; i++) out[i] = this.ready[this.faded + i] * this.#gain();
    if (count < out.length) this.rise = 0; // it ran dry
    this.faded += count;
    if (this.wish === "pause" && this.rise > 0) return;
    if (this.wish !== "pause") this.ready = this.ready.slice(this.faded);
    this.faded = 0;
  }

  #gain() {
    this.rise = Math.max(0, Math.min(this.fade, this.rise + (this.wish === "play" ? 1 : -1)));
    return this.rise / this.fade;
  }

  /** @type {(needed: number, events: PlayoutEvent[]) => void} */
  #fill(needed, events) {
    while (this.ready.length < needed) {
      const block = this.#block();
      const reply = this.buffer.finished();
      if (reply) events.push({ type: "finished", item: reply.item, samples: reply.played });
      if (block === null) return;
      this.ready = joinSamples(this.ready, this.resampler.push(block));
    }
  }

  /** @type {() => Float32Array | null} */
  #block() {
    const block = new Float32Array(BLOCK);
    const count = this.buffer.pull(block);
    if (count > 0) this.tail = 1;
    else if (this.tail-- <= 0) return null;
    if (count > 0) this.last = block[count - 1];
    for (let i = count; i < BLOCK; i++) block[i] = this.last *= HOLD;
    return block;
  }

  /** @type {() => PlayoutEvent} */
  #stopped() {
    const { item, samples } = this.position;
    this.#drop();
    return { type: "stopped", item, samples };
  }

  #drop() {
    this.buffer.clear();
    this.ready = new Float32Array(0);
    this.wish = "play";
    this.rise = this.faded = this.last = this.tail = 0;
  }
}
