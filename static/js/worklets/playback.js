/**
 * Play replies. In: {type: "audio", item, pcm: Int16Array}, {type: "end", item}, {type: "pause" | "resume" | "stop"}.
 *
 * Out: {type: "progress", item, samples, level}, {type: "finished", item, samples}, {type: "stopped", item, samples}.
 * `samples` counts those of the reply at 24 kHz; `level` is the root mean square of what is heard.
 */

import { Playout } from "../audio/playout.js";

const REPORT_SEC = 0.04;

class PlaybackProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.playout = new Playout(sampleRate);
    this.energy = 0;
    this.rendered = 0;
    this.wasPlaying = false;
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  /** @type {(message: PlayerMessage) => void} */
  receive(message) {
    if (message.type === "audio") this.playout.add(message.item, message.pcm);
    else if (message.type === "end") this.playout.buffer.end(message.item);
    else this.playout[message.type]();
  }

  /** @type {(inputs: Float32Array[][], outputs: Float32Array[][]) => boolean} */
  process(_inputs, [[out]]) {
    for (const event of this.playout.render(out)) this.port.postMessage(event);
    for (const sample of out) this.energy += sample * sample;
    this.rendered += out.length;
    if (this.rendered >= REPORT_SEC * sampleRate) this.report();
    return true;
  }

  report() {
    const { item, samples } = this.playout.position;
    const level = Math.sqrt(this.energy / this.rendered);
    this.energy = this.rendered = 0;
    if (item !== null || this.wasPlaying) this.port.postMessage({ type: "progress", item, samples, level });
    this.wasPlaying = item !== null;
  }
}

registerProcessor("playback", PlaybackProcessor);
