/**
 * What was sent over a session's connections lately, so that what a lost one took with it can be sent again. Pure.
 *
 * Both ends count the frames of a session, so that each arrives once.
 */

/** Of sound, 45 s: an outage that the server waits for, and the time until it is noticed. */
const MOST_BYTES = 45 * 48000;

export class OutgoingFrames {
  constructor() {
    /** @type {OutgoingFrame[]} */
    this.frames = [];
    this.first = 0; // the number of the oldest frame here
    this.written = 0; // how many of all were given to a connection
    this.bytes = 0;
  }

  /** Begin to count anew, for another session. */
  reset() {
    this.frames = [];
    this.first = this.written = this.bytes = 0;
  }

  /**
   * Add a frame; `isWritten` says whether a connection has it.
   * @type {(frame: OutgoingFrame, isWritten: boolean) => void}
   */
  add(frame, isWritten) {
    this.frames.push(frame);
    this.bytes += measure(frame);
    if (isWritten) this.written = this.first + this.frames.length;
    while (this.bytes > MOST_BYTES) this.#forgetOldest();
  }

  /**
   * Return the frames from this number on, which are written now, or null if some of them are not here any more.
   * @type {(number: number) => OutgoingFrame[] | null}
   */
  takeFrom(number) {
    const end = this.first + this.frames.length;
    if (number < this.first || number > end) return null;
    this.written = end;
    return this.frames.slice(number - this.first);
  }

  /**
   * Return the sound that no connection has got.
   * @type {() => Int16Array<ArrayBuffer>[]}
   */
  listUnwrittenSound() {
    const unwritten = this.frames.slice(Math.max(0, this.written - this.first));
    return unwritten.filter((frame) => typeof frame !== "string");
  }

  #forgetOldest() {
    const frame = this.frames.shift();
    if (frame === undefined) return;
    this.bytes -= measure(frame);
    this.first += 1;
  }
}

/** @type {(frame: OutgoingFrame) => number} */
export function measure(frame) {
  return typeof frame === "string" ? frame.length : frame.byteLength;
}
