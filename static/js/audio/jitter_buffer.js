/**
 * An adaptive jitter buffer at 24 kHz.
 *
 * It starts a reply when `lead` samples are there, or the whole reply is. A gap in the middle of a reply shows that the
 * network needs more lead, so the lead grows at once; after replies without a gap it shrinks slowly.
 */

export const WIRE_RATE = 24000;
const LEAST_LEAD = 0.06 * WIRE_RATE;
const GREATEST_LEAD = 0.6 * WIRE_RATE;
const GROWTH = 1.6;
const SHRINKAGE = 0.9;
const CAPACITY = 600 * WIRE_RATE; // ten minutes; beyond it the newest audio is dropped

/** The replies that wait to be played, in order. */
export class JitterBuffer {
  constructor() {
    this.lead = LEAST_LEAD;
    /** @type {QueuedReply[]} */
    this.replies = [];
    this.flowing = false;
  }

  /** Return how many samples wait. */
  get queued() {
    return this.replies.reduce((sum, reply) => sum + reply.queued, 0);
  }

  /** Return the reply that is being played, or the next one. */
  get current() {
    return this.replies[0] ?? null;
  }

  /**
   * Add samples to a reply.
   * @type {(item: string, pcm: Int16Array) => void}
   */
  add(item, pcm) {
    if (pcm.length === 0 || this.queued + pcm.length > CAPACITY) return;
    const reply = this.#reply(item);
    if (reply.dry) this.#learn(reply);
    reply.chunks.push(pcm);
    reply.queued += pcm.length;
  }

  /**
   * Note that no more audio will come for this item.
   * @type {(item: string) => void}
   */
  end(item) {
    const reply = this.replies.find((one) => one.item === item);
    if (reply) reply.ended = true;
  }

  /**
   * Fill `block` (floats) with the audio that is due, and return how many samples that is.
   * @type {(block: Float32Array) => number}
   */
  pull(block) {
    const reply = this.current;
    if (!reply || !(this.flowing ||= reply.ended || reply.queued >= this.lead)) return 0;
    const count = take(reply, block);
    if (count < block.length && !reply.ended) {
      this.flowing = false;
      reply.dry = true;
    }
    return count;
  }

  /** Remove the current reply once all of it was pulled, and return it; otherwise return null. */
  finished() {
    const reply = this.current;
    if (!reply || !reply.ended || reply.queued > 0) return null;
    this.replies.shift();
    this.flowing = false;
    if (!reply.starved) this.lead = Math.max(LEAST_LEAD, this.lead * SHRINKAGE);
    return reply;
  }

  /** Drop everything, and return the reply that was being played, or null. */
  clear() {
    const reply = this.current;
    this.replies = [];
    this.flowing = false;
    return reply;
  }

  /** @type {(item: string) => QueuedReply} */
  #reply(item) {
    const last = this.replies.at(-1);
    if (last?.item === item) return last;
    const reply = { item, chunks: [], offset: 0, queued: 0, played: 0, ended: false, dry: false, starved: false };
    this.replies.push(reply);
    return reply;
  }

  /**
   * Learn from a reply that ran dry before its end: that was a gap.
   * @type {(reply: QueuedReply) => void}
   */
  #learn(reply) {
    reply.dry = false;
    reply.starved = true;
    this.lead = Math.min(GREATEST_LEAD, this.lead * GROWTH);
  }
}

/** @type {(reply: QueuedReply, block: Float32Array) => number} */
function take(reply, block) {
  let count = 0;
  while (count < block.length && reply.chunks.length > 0) {
    const chunk = reply.chunks[0];
    const size = Math.min(block.length - count, chunk.length - reply.offset);
    for (let i = 0; i < size; i++) block[count + i] = chunk[reply.offset + i] / 32768;
    count += size;
    reply.offset += size;
    if (reply.offset === chunk.length) {
      reply.chunks.shift();
      reply.offset = 0;
    }
  }
  reply.queued -= count;
  reply.played += count;
  return count;
}
