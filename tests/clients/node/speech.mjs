// PCM, 16 bit, 24 kHz, mono.

import { readFileSync } from "node:fs";

const BYTES_PER_MS = 48;
const FRAME = 100 * BYTES_PER_MS;

/** The utterance and `silenceMs` of silence, in frames as a client sends them. */
export function* readFrames(silenceMs) {
  const utterance = readFileSync(process.env.UTTERANCE);
  const audio = Buffer.concat([utterance, Buffer.alloc(silenceMs * BYTES_PER_MS)]);
  for (let start = 0; start < audio.length; start += FRAME) yield audio.subarray(start, start + FRAME);
}
