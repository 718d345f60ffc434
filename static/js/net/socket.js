/**
 * The WebSocket to /v1/realtime: open it, notice when it is dead, and report what arrives.
 *
 * A connection that has lost its network stays silent for minutes. So after a while without a message the server is
 * asked whether it is there, and must answer.
 */

import * as protocol from "./protocol.js";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15000;
const OPENING_MS = 10000;
/** Together: how long a dead connection goes unnoticed, 5 s at most. */
const QUIET_MS = 2000;
const ANSWER_MS = 2750;
/** A timer that rang so late proves nothing: the page stood still, or the browser holds back the timers of hidden pages. */
const LATE_MS = 500;
const STALLED_BYTES = 240000; // five seconds of audio that the network does not take
const LOST = 1006; // the code browsers give to a connection that ended without a word

/**
 * Return the pause before another try, in ms. `random` is in [0, 1).
 *
 * With full jitter not everybody comes back at the same instant after an outage.
 * @type {(attempt: number, random: number) => number}
 */
export function chooseBackoffMs(attempt, random) {
  const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1));
  return Math.round(ceiling * (0.5 + random / 2));
}

/** @type {(page: string, talk: { assistant?: string, conversation?: string | null, timeZone?: string }) => URL} */
export function buildRealtimeUrl(page, { assistant, conversation, timeZone }) {
  const url = new URL("/v1/realtime", page);
  url.protocol = url.protocol.replace("http", "ws");
  if (assistant) url.searchParams.set("assistant", assistant);
  if (conversation) url.searchParams.set("conversation", conversation);
  if (timeZone && timeZone !== "Etc/Unknown") url.searchParams.set("time_zone", timeZone);
  return url;
}

/** A socket that reports events, and one close code for each connection that ends. */
export class RealtimeSocket {
  /**
   * `onEvent(event)` for each server event; `onClose(code)` once for each connection that ended by itself.
   * @param {(event: ServerEvent) => void} onEvent
   * @param {(code: number) => void} onClose
   */
  constructor(onEvent, onClose) {
    this.onEvent = onEvent;
    this.onClose = onClose;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {number | undefined} */
    this.waiting = undefined; // the timer of a word that is due, or of the question for one
    this.isDue = false;
  }

  /**
   * Connect after a delay, in place of whatever was open or waiting.
   * @type {(url: URL, delayMs?: number) => void}
   */
  connect(url, delayMs = 0) {
    this.disconnect();
    this.timer = setTimeout(() => this.#open(url), delayMs);
  }

  disconnect() {
    clearTimeout(this.timer);
    this.#hush();
    const socket = this.socket;
    this.socket = null; // first: what it still reports is of no interest
    socket?.close(1000);
  }

  /** @type {(event: ClientEvent) => void} */
  send(event) {
    if (isOpen(this.socket)) this.socket.send(JSON.stringify(event));
  }

  /**
   * Send audio. `pcm` is an Int16Array, 24 kHz, mono. A binary frame is the server's short form of an audio append.
   * @type {(pcm: Int16Array<ArrayBuffer>) => void}
   */
  sendAudio(pcm) {
    if (!isOpen(this.socket)) return;
    if (this.socket.bufferedAmount > STALLED_BYTES) this.#lose();
    else this.socket.send(pcm);
  }

  /**
   * Ask whether the server is still there: at once after the network changed or the device slept, otherwise when it is
   * quiet.
   */
  probe() {
    if (!isOpen(this.socket) || this.isDue) return;
    this.send(protocol.ping());
    this.#expectWord(ANSWER_MS);
  }

  /** @type {(url: URL) => void} */
  #open(url) {
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.#receive(socket, data);
    socket.onclose = ({ code }) => this.#closed(socket, code);
    this.#expectWord(OPENING_MS);
  }

  /**
   * Expect a message within this time, or count the connection as lost.
   * @type {(ms: number) => void}
   */
  #expectWord(ms) {
    this.#hush();
    this.isDue = true;
    const dueAt = performance.now() + ms;
    this.waiting = setTimeout(() => this.#overdue(dueAt), ms);
  }

  /** @type {(dueAt: number) => void} */
  #overdue(dueAt) {
    this.isDue = false;
    if (performance.now() - dueAt > LATE_MS && isOpen(this.socket)) this.probe();
    else this.#lose();
  }

  #hush() {
    clearTimeout(this.waiting);
    this.isDue = false;
  }

  /** @type {(socket: WebSocket, data: unknown) => void} */
  #receive(socket, data) {
    if (socket !== this.socket) return;
    this.#hush();
    this.waiting = setTimeout(() => this.probe(), QUIET_MS);
    const event = typeof data === "string" ? protocol.parse(data) : null;
    if (event) this.onEvent(event);
  }

  /** @type {(socket: WebSocket, code: number) => void} */
  #closed(socket, code) {
    if (socket !== this.socket) return;
    this.disconnect();
    this.onClose(code);
  }

  #lose() {
    this.disconnect();
    this.onClose(LOST);
  }
}

/** @type {(socket: WebSocket | null) => socket is WebSocket} */
function isOpen(socket) {
  return socket?.readyState === WebSocket.OPEN;
}
