/** From the microphone's native rate to the wire's frames: 24 kHz, 16 bit, mono. Pure; the worklet is its shell. */

import { WIRE_RATE } from "./jitter.js";
import { Resampler } from "./resampler.js";

export class FrameMaker {
  /**
   * @param {number} nativeRate
   * @param {number} frameSamples
   */
  constructor(nativeRate, frameSamples) {
    this.resampler = new Resampler(nativeRate, WIRE_RATE);
    this.frame = new Int16Array(frameSamples);
    this.count = 0;
    this.energy = 0;
  }

  /**
   * Returns the frames that are full: {pcm: Int16Array, level}, level being the root mean square, 0 to 1.
   * @type {(input: Float32Array) => Frame[]}
   */
  push(input) {
    const full = [];
    for (const sample of this.resampler.push(input)) {
      this.energy += sample * sample;
      this.frame[this.count++] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
      if (this.count === this.frame.length) full.push(this.flush());
    }
    return full;
  }

  /**
   * What there is of the unfinished frame; it may be empty.
   * @type {() => Frame}
   */
  flush() {
    const pcm = this.frame.slice(0, this.count);
    const level = this.count ? Math.sqrt(this.energy / this.count) : 0;
    this.count = this.energy = 0;
    return { pcm, level };
  }
}
