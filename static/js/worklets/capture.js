/**
 * Cut the microphone's sound into frames. In: {type: "flush"}. Out: {pcm: Int16Array, level, flushed}, PCM16 mono at 24
 * kHz.
 *
 * A frame is 40 ms long. On average sound waits 20 ms for the end of its frame, which the 150 ms for a barge-in can
 * spare, and 25 binary frames a second cost the server 0.2 % of a core; frames of 100 ms would halve that and wait 50
 * ms.
 */

import { FrameMaker } from "../audio/frames.js";

const FRAME_SAMPLES = 960;

class CaptureProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frames = new FrameMaker(sampleRate, FRAME_SAMPLES);
    this.port.onmessage = () => this.post(this.frames.flush(), true);
  }

  /** @type {(inputs: Float32Array[][]) => boolean} */
  process([channels]) {
    // No channel: the source is gone or silent by the browser's own account. Time goes on all the same.
    const input = channels[0] ?? new Float32Array(128);
    for (const frame of this.frames.push(input)) this.post(frame, false);
    return true;
  }

  /** @type {(frame: Frame, flushed: boolean) => void} */
  post(frame, flushed) {
    this.port.postMessage({ ...frame, flushed }, [frame.pcm.buffer]);
  }
}

registerProcessor("capture", CaptureProcessor);
