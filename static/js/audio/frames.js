/**
 * Turn the microphone's samples into the frames of the wire: from the native rate to 24 kHz, 16 bit, mono. Pure; the
 * worklet calls it.
 */

import { WIRE_RATE } from "./jitter_buffer.js";
import { Resampler } from "./resampler.js";

/** Collects samples, and cuts them into frames of one length. */
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
   * Add samples, and return the frames that are full: `pcm`, and `level`, which is the root mean square from 0 to 1.
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
   * Return what there is of the unfinished frame; it may be empty.
   * @type {() => Frame}
   */
  flush() {
    const pcm = this.frame.slice(0, this.count);
    const level = this.count ? Math.sqrt(this.energy / this.count) : 0;
    this.count = this.energy = 0;
    return { pcm, level };
  }
}
