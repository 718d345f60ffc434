// Whole conversations with @openai/agents-realtime: `node agents.mjs CONVERSATION`.
//
// Prints {wire} for each server event, {session, …} for what the session tells its application, and at the end
// {untaken}: kinds of events that came and that the client's own schemas refused, which it does without a word.

import { tool } from "@openai/agents-core";
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";
import { z } from "zod";

import { Events, tell } from "./events.mjs";
import { readFrames } from "./speech.mjs";

const { OPENAI_API_KEY, SITE_URL } = process.env;
const TOLD = ["agent_start", "agent_end", "agent_tool_start", "agent_tool_end", "audio_start", "audio_stopped", "audio_interrupted", "mcp_tool_call_completed"];

const weather = tool({
  name: "weather",
  description: "The weather in a city.",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `21 degrees in ${city}`,
});

class Call {
  events = new Events();
  counts = {}; // by kind: what came, less what the schemas took

  constructor(query = "", config = {}) {
    this.url = `${SITE_URL.replace("http", "ws")}/v1/realtime${query}`;
    this.transport = new OpenAIRealtimeWebSocket();
    const agent = new RealtimeAgent({ name: "Guide", instructions: "Be brief.", tools: [weather] });
    this.session = new RealtimeSession(agent, { transport: this.transport, config });
    this.transport.on("*", (event) => this.take(event));
    for (const kind of TOLD) this.session.on(kind, () => tell({ session: kind }));
    this.session.on("error", ({ error }) => tell({ session: "error", error: error?.error ?? String(error) }));
    this.session.on("audio", ({ data }) => tell({ session: "audio", bytes: data.byteLength }));
  }

  take(event) {
    tell({ wire: event });
    if (!(event.type in this.counts)) {
      this.counts[event.type] = 0;
      this.transport.on(event.type, () => this.counts[event.type]--);
    }
    this.counts[event.type]++;
    this.events.take(event);
  }

  async open() {
    await this.session.connect({ apiKey: OPENAI_API_KEY, url: this.url });
    await this.waitFor("session.updated"); // its settings
    await this.waitFor("session.updated"); // tracing, once the session was created
  }

  waitFor(...kinds) {
    return this.events.waitFor(...kinds);
  }

  say(silenceMs = 3000) {
    for (const frame of readFrames(silenceMs)) this.session.sendAudio(new Uint8Array(frame).buffer);
  }

  close() {
    this.session.close();
    tell({ session: "history", items: this.session.history });
    tell({ untaken: Object.keys(this.counts).filter((kind) => this.counts[kind]) });
  }
}

const conversations = {
  async text(call) {
    call.session.sendMessage("What is two and two?");
    await call.waitFor("response.done");
    call.session.sendMessage("And three and three?");
    await call.waitFor("response.done");
  },

  async voice(call) {
    call.say();
    await call.waitFor("response.done");
  },

  async interruption(call) {
    call.say();
    await call.waitFor("response.output_audio.delta");
    call.say();
    await call.events.waitForAll("response.done", "response.done");
    const { item_id } = await call.events.find(({ type }) => type === "conversation.item.truncated");
    // The client itself asks for it, and for the questions once they are transcribed, in whatever order.
    await call.events.find(({ type, item }) => type === "conversation.item.retrieved" && item.id === item_id);
  },

  /** The application's “stop” button. */
  async stop(call) {
    call.session.sendMessage("Count.");
    await call.waitFor("response.output_audio.delta");
    call.session.interrupt();
    await call.waitFor("response.done");
  },

  async tools(call) {
    call.say();
    await call.waitFor("response.done");
    await call.waitFor("response.done");
  },

  /** The server runs it: the client sees an item of MCP. */
  async siteTool(call) {
    call.session.sendMessage("What time is it?");
    await call.waitFor("response.done");
  },

  /** Removes the first answer, and puts other words into the question. */
  async history(call) {
    call.session.sendMessage("My name is Ann.");
    await call.waitFor("response.done");
    const other = [{ type: "input_text", text: "My name is Bob." }];
    call.session.updateHistory(([question]) => [{ ...question, content: other }]);
    await call.waitFor("conversation.item.deleted");
    await call.waitFor("conversation.item.deleted");
    await call.waitFor("conversation.item.done");
    call.session.sendMessage("What is my name?");
    await call.waitFor("response.done");
  },

  /** A refused response.create must not keep the client waiting for ever. */
  async refusal(call) {
    call.transport.sendEvent({ type: "response.create", response: { max_output_tokens: 0 } });
    await call.waitFor("error");
    call.session.sendMessage("Still there?");
    await call.waitFor("response.done");
  },

  async returning(call) {
    call.session.sendMessage("My cat is called Tom.");
    await call.waitFor("response.done");
  },
};

const [conversation, query] = process.argv.slice(2);
const call = new Call(query);
await call.open();
await conversations[conversation](call);
call.close();
