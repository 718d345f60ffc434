/** From the jitter buffer to the sound card: native rate, and never a click. Pure; the worklet is its shell. */

import { JitterBuffer, WIRE_RATE } from "./jitter.js";
import { joined, Resampler } from "./resampler.js";

const BLOCK = 96; // 4 ms of the wire's rate
const HOLD = 0.9; // per sample: a gap decays from the last sample in 2 ms instead of jumping to zero
const FADE_MS = 8;

export class Playout {
  constructor(nativeRate) {
    this.buffer = new JitterBuffer();
    this.resampler = new Resampler(WIRE_RATE, nativeRate);
    this.ready = new Float32Array(0); // resampled, not yet rendered
    this.fade = Math.round((nativeRate * FADE_MS) / 1000);
    this.fading = 0; // samples of the fade-out still to render; 0: not stopping
    this.risen = 0; // samples of the fade-in rendered so far
    this.last = 0;
    this.tail = 0; // blocks still to push so that the resampler gives back what it holds
  }

  /** Begins the fade-out; `render` reports `stopped` when it is silent. */
  stop() {
    this.fading = this.fade;
  }

  /** Fills `out` (native rate, mono); returns what happened: {type: "finished" | "stopped", item, samples}. */
  render(out) {
    const events = [];
    this.#fill(out.length, events);
    const count = Math.min(out.length, this.ready.length);
    for (let i = 0; i < count; i++) out[i] = this.ready[i] * this.#gain();
    this.ready = this.ready.slice(count);
    if (count === 0) this.risen = 0;
    if (this.fading > 0 && (count < out.length || this.fading === 1)) events.push(this.#stopped());
    return events;
  }

  #gain() {
    const rise = Math.min(1, ++this.risen / this.fade);
    if (this.fading === 0) return rise;
    if (this.fading > 1) this.fading--;
    return (rise * (this.fading - 1)) / this.fade;
  }

  #fill(needed, events) {
    while (this.ready.length < needed) {
      const block = this.#block();
      const reply = this.buffer.finished();
      if (reply) events.push({ type: "finished", item: reply.item, samples: reply.played });
      if (block === null) return;
      this.ready = joined(this.ready, this.resampler.push(block));
    }
  }

  #block() {
    const block = new Float32Array(BLOCK);
    const count = this.buffer.pull(block);
    if (count > 0) this.tail = 1;
    else if (this.tail-- <= 0) return null;
    if (count > 0) this.last = block[count - 1];
    for (let i = count; i < BLOCK; i++) block[i] = this.last *= HOLD;
    return block;
  }

  #stopped() {
    const reply = this.buffer.clear();
    this.ready = new Float32Array(0);
    this.fading = this.risen = this.last = this.tail = 0;
    return { type: "stopped", item: reply?.item ?? null, samples: reply?.played ?? 0 };
  }
}
