// One connection of npm `openai`. Every server event is printed as a JSON line, for the Python test to check.

import { readFileSync } from "node:fs";

import OpenAI from "openai";
import { OpenAIRealtimeWebSocket as BetaNative } from "openai/beta/realtime/websocket";
import { OpenAIRealtimeWS as BetaWS } from "openai/beta/realtime/ws";
import { OpenAIRealtimeWebSocket as Native } from "openai/realtime/websocket";
import { OpenAIRealtimeWS as WS } from "openai/realtime/ws";

const { OPENAI_API_KEY, SITE_URL, UTTERANCE } = process.env;
const BYTES_PER_MS = 48; // 24 kHz, 16 bit
const FRAME = 100 * BYTES_PER_MS;
// ws: the key in a header. native: Node's own WebSocket, as in a browser, the key in a subprotocol.
const CLIENTS = { ws: WS, native: Native, "beta-ws": BetaWS, "beta-native": BetaNative };

export const utterance = readFileSync(UTTERANCE);

export function tell(fields) {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

export class Talk {
  constructor(client, { query = "", apiKey = OPENAI_API_KEY } = {}) {
    const openai = new OpenAI({ apiKey, baseURL: `${SITE_URL}/v1${query}` });
    this.events = [];
    this.seen = 0; // events that `until` has passed
    this.news = Promise.withResolvers();
    this.errors = [];
    this.closed = new Promise((resolve) => {
      this.rt = new CLIENTS[client]({ model: "any" }, openai);
      this.rt.socket.addEventListener("close", ({ code }) => resolve(code));
    });
    this.rt.on("event", (event) => this.take(event));
    this.rt.on("error", (error) => this.errors.push(error)); // server errors come as events too
  }

  take(event) {
    tell(event);
    this.events.push(event);
    this.news.resolve();
    this.news = Promise.withResolvers();
  }

  /** The next event of one of these kinds. */
  async until(...kinds) {
    for (;;) {
      while (this.seen < this.events.length) {
        const event = this.events[this.seen++];
        if (kinds.includes(event.type)) return event;
      }
      await this.news.promise;
    }
  }

  send(type, fields = {}) {
    this.rt.send({ type, ...fields });
  }

  /** An utterance as fast as the socket takes it, and `silenceMs` of silence. */
  say(silenceMs = 1000) {
    const audio = Buffer.concat([utterance, Buffer.alloc(silenceMs * BYTES_PER_MS)]);
    for (let start = 0; start < audio.length; start += FRAME) {
      const piece = audio.subarray(start, start + FRAME);
      this.send("input_audio_buffer.append", { audio: piece.toString("base64") });
    }
  }

  type(text, response) {
    const content = [{ type: "input_text", text }];
    this.send("conversation.item.create", { item: { type: "message", role: "user", content } });
    this.send("response.create", response && { response });
  }

  async close() {
    this.rt.close();
    await this.closed;
  }
}
