// Whole conversations with npm `openai`: `node conversations.mjs CONVERSATION CLIENT`.

import { readFileSync } from "node:fs";

import { tell } from "./events.mjs";
import { Talk } from "./talk.mjs";

const isBeta = process.argv[3].startsWith("beta");
const MANUAL = { type: "realtime", audio: { input: { turn_detection: null } } };
const WEATHER = {
  type: "function",
  name: "weather",
  description: "The weather in a city.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const conversations = {
  async text(talk) {
    await talk.until("session.created");
    talk.type("What is two and two?");
    await talk.until("response.done");
    talk.type("And three and three?", { [isBeta ? "modalities" : "output_modalities"]: ["text"] });
    await talk.until("response.done");
  },

  async voice(talk) {
    await talk.until("session.created");
    for (let turn = 0; turn < 2; turn++) {
      talk.say();
      await talk.until("response.done");
    }
  },

  async manual(talk) {
    await talk.until("session.created");
    talk.send("session.update", { session: MANUAL });
    talk.say();
    talk.send("input_audio_buffer.commit");
    talk.send("response.create");
    await talk.until("response.done");
  },

  async interruption(talk) {
    await talk.until("session.created");
    talk.say();
    const { item_id } = await talk.until("response.output_audio.delta", "response.audio.delta");
    talk.say();
    await talk.until("response.done");
    talk.send("conversation.item.truncate", { item_id, content_index: 0, audio_end_ms: 40 });
    await talk.events.untilAll("conversation.item.truncated", "response.done");
  },

  async cancel(talk) {
    await talk.until("session.created");
    talk.type("Count.");
    const { response } = await talk.until("response.created");
    await talk.until("response.output_audio_transcript.delta", "response.audio_transcript.delta");
    talk.send("response.cancel", { response_id: response.id });
    await talk.until("response.done");
  },

  async tools(talk) {
    await talk.until("session.created");
    talk.send("session.update", { session: isBeta ? { tools: [WEATHER] } : { type: "realtime", tools: [WEATHER] } });
    talk.say();
    const { call_id } = await talk.until("response.function_call_arguments.done");
    await talk.until("response.done");
    const item = { type: "function_call_output", call_id, output: '{"celsius": 21}' };
    talk.send("conversation.item.create", { item });
    talk.send("response.create");
    await talk.until("response.done");
  },

  async returning(talk, client) {
    await talk.until("session.created");
    talk.type("My cat is called Tom.");
    const { conversation } = await talk.until("conversation.created");
    await talk.until("response.done");
    await talk.close();
    const later = new Talk(client, { query: `?conversation=${conversation.id}` });
    await later.until("session.created");
    later.type("What is my cat called?");
    await later.until("response.done");
    await later.close();
  },

  /** What is refused, each with an id that the error must bring back. */
  async refusals(talk) {
    await talk.until("session.created");
    const item = { id: "mine", type: "message", role: "user", content: [{ type: "input_text", text: "Hello." }] };
    talk.send("conversation.item.create", { item });
    talk.send("response.create");
    await talk.until("response.done");
    for (const { send } of JSON.parse(readFileSync(process.env.REFUSALS))) {
      if (typeof send === "string") talk.rt.socket.send(send);
      else talk.rt.send(send);
      await talk.until("error");
    }
    talk.type("Still there?");
    await talk.until("response.done");
  },

  async busy(talk) {
    await talk.until("session.created");
    talk.type("Count.");
    talk.send("response.create", { event_id: "second" });
    await talk.until("error");
    await talk.until("response.done");
  },

  async expiry(talk) {
    await talk.until("error");
    tell({ type: "closed", code: await talk.closed });
  },

  async stranger(talk, client) {
    await talk.until("session.created");
    const wrong = new Talk(client, { apiKey: "vp_wrong" });
    await wrong.until("error");
    tell({ type: "closed", code: await wrong.closed });
  },
};

const [conversation, client] = process.argv.slice(2);
const talk = new Talk(client);
await conversations[conversation](talk, client);
await talk.close();
