/**
 * The WebSocket to /v1/realtime: open it, notice when it is dead, and report what arrives.
 *
 * A connection that has lost its network stays silent for minutes. So after a while without a message the server is
 * asked whether it is there, and must answer.
 */

import * as protocol from "./protocol.js";
import { measure, OutgoingFrames } from "./outgoing_frames.js";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15000;
const OPENING_MS = 10000;
/** Together: how long a dead connection goes unnoticed, 5 s at most. */
const QUIET_MS = 2000;
const ANSWER_MS = 2750;
/** A timer that rang so late proves nothing: the page stood still, or the browser holds back the timers of hidden pages. */
const LATE_MS = 500;
/** How often the server is told what has come, where it keeps what a lost connection would take with it. */
const ACKNOWLEDGED_MS = 2000;
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

/**
 * Return the address. `resumption` is the token of a session to go on with, behind the event `after`.
 * @type {(page: string, talk: TalkAddress) => URL}
 */
export function buildRealtimeUrl(page, { assistant, conversation, timeZone, resumption, after }) {
  const url = new URL("/v1/realtime", page);
  url.protocol = url.protocol.replace("http", "ws");
  if (assistant) url.searchParams.set("assistant", assistant);
  if (conversation) url.searchParams.set("conversation", conversation);
  if (timeZone && timeZone !== "Etc/Unknown") url.searchParams.set("time_zone", timeZone);
  if (resumption && after) {
    url.searchParams.set("resume", resumption);
    url.searchParams.set("after", after);
  }
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
    this.outgoing = new OutgoingFrames();
    this.hasAnswered = false; // the server has said what the connection is: a new session, or the one before
    this.backlogBytes = 0; // what was sent again at once
    this.isKept = false; // the server keeps what it sends until it is told that it came
    this.acknowledgedAt = 0;
    this.lastEventId = "";
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

  /**
   * Send an event, at once or when the session goes on over another connection.
   * @type {(event: ClientEvent) => void}
   */
  send(event) {
    this.#write(JSON.stringify(event));
  }

  /**
   * Send audio. `pcm` is an Int16Array, 24 kHz, mono. A binary frame is the server's short form of an audio append.
   * @type {(pcm: Int16Array<ArrayBuffer>) => void}
   */
  sendAudio(pcm) {
    const isStalled = isOpen(this.socket) && this.socket.bufferedAmount > STALLED_BYTES + this.backlogBytes;
    this.#write(pcm);
    if (isStalled) this.#lose();
  }

  /** @type {(frame: OutgoingFrame) => void} */
  #write(frame) {
    const open = this.hasAnswered && isOpen(this.socket) ? this.socket : null;
    this.outgoing.add(frame, open !== null);
    open?.send(frame);
  }

  /**
   * Ask whether the server is still there: at once after the network changed or the device slept, otherwise when it is
   * quiet.
   */
  probe() {
    if (!isOpen(this.socket) || this.isDue) return;
    this.#acknowledge();
    this.#expectWord(ANSWER_MS);
  }

  #acknowledge() {
    this.acknowledgedAt = performance.now();
    this.send(protocol.ping(this.isKept ? this.lastEventId : ""));
  }

  /** @type {(url: URL) => void} */
  #open(url) {
    const socket = new WebSocket(url);
    this.socket = socket;
    this.hasAnswered = false;
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
    if (event) this.#take(event);
  }

  /** @type {(event: ServerEvent) => void} */
  #take(event) {
    const kept = event.type === "session.created" ? this.#beginSession() : [];
    if (event.type === "session.resumed" && !this.#sendAgain(event.received_frames)) return;
    if (event.type === "session.resumption") this.isKept = true;
    this.hasAnswered = true;
    this.lastEventId = event.event_id ?? this.lastEventId;
    this.onEvent(event);
    for (const pcm of kept) this.#write(pcm);
    if (this.isKept && performance.now() - this.acknowledgedAt > ACKNOWLEDGED_MS) this.#acknowledge();
  }

  /**
   * Count anew, and return what was said meanwhile: to the session before it could not be told.
   * @type {() => Int16Array<ArrayBuffer>[]}
   */
  #beginSession() {
    const said = this.outgoing.listUnwrittenSound();
    this.outgoing.reset();
    this.backlogBytes = said.reduce((sum, pcm) => sum + measure(pcm), 0);
    this.isKept = false;
    return said;
  }

  /**
   * Send what the lost connection took with it. Return false if it is not known any more: then only a new session helps.
   * @type {(received: number) => boolean}
   */
  #sendAgain(received) {
    const missing = this.outgoing.takeFrom(received);
    this.backlogBytes = (missing ?? []).reduce((sum, frame) => sum + measure(frame), 0);
    for (const frame of missing ?? []) this.socket?.send(frame);
    if (missing !== null) return true;
    this.lastEventId = "";
    this.#lose();
    return false;
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
