// One connection of npm `openai`. Every server event is printed.

import OpenAI from "openai";
import { OpenAIRealtimeWebSocket as BetaNative } from "openai/beta/realtime/websocket";
import { OpenAIRealtimeWS as BetaWS } from "openai/beta/realtime/ws";
import { OpenAIRealtimeWebSocket as Native } from "openai/realtime/websocket";
import { OpenAIRealtimeWS as WS } from "openai/realtime/ws";

import { Events, tell } from "./events.mjs";
import { readFrames } from "./speech.mjs";

// ws: the key in a header. native: Node's own WebSocket, as in a browser, the key in a subprotocol.
const CLIENTS = { ws: WS, native: Native, "beta-ws": BetaWS, "beta-native": BetaNative };

export class Talk {
  constructor(client, { query = "", apiKey = process.env.OPENAI_API_KEY } = {}) {
    const openai = new OpenAI({ apiKey, baseURL: `${process.env.SITE_URL}/v1${query}` });
    this.events = new Events();
    this.rt = new CLIENTS[client]({ model: "any" }, openai);
    this.rt.on("event", (event) => {
      tell(event);
      this.events.take(event);
    });
    this.rt.on("error", (error) => {
      if (!error.error) throw error; // the server's own errors came as events
    });
    this.closed = new Promise((resolve) => {
      this.rt.socket.addEventListener("close", ({ code }) => resolve(code));
    });
  }

  waitFor(...kinds) {
    return this.events.waitFor(...kinds);
  }

  send(type, fields = {}) {
    this.rt.send({ type, ...fields });
  }

  say(silenceMs = 1000) {
    for (const frame of readFrames(silenceMs)) this.send("input_audio_buffer.append", { audio: frame.toString("base64") });
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
