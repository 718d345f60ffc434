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
    await talk.waitFor("session.created");
    talk.type("What is two and two?");
    await talk.waitFor("response.done");
    talk.type("And three and three?", { [isBeta ? "modalities" : "output_modalities"]: ["text"] });
    await talk.waitFor("response.done");
  },

  async voice(talk) {
    await talk.waitFor("session.created");
    for (let turn = 0; turn < 2; turn++) {
      talk.say();
      await talk.waitFor("response.done");
    }
  },

  async manual(talk) {
    await talk.waitFor("session.created");
    talk.send("session.update", { session: MANUAL });
    talk.say();
    talk.send("input_audio_buffer.commit");
    talk.send("response.create");
    await talk.waitFor("response.done");
  },

  async interruption(talk) {
    await talk.waitFor("session.created");
    talk.say();
    const { item_id } = await talk.waitFor("response.output_audio.delta", "response.audio.delta");
    talk.say();
    await talk.waitFor("response.done");
    talk.send("conversation.item.truncate", { item_id, content_index: 0, audio_end_ms: 40 });
    await talk.events.waitForAll("conversation.item.truncated", "response.done");
  },

  async cancel(talk) {
    await talk.waitFor("session.created");
    talk.type("Count.");
    const { response } = await talk.waitFor("response.created");
    await talk.waitFor("response.output_audio_transcript.delta", "response.audio_transcript.delta");
    talk.send("response.cancel", { response_id: response.id });
    await talk.waitFor("response.done");
  },

  async tools(talk) {
    await talk.waitFor("session.created");
    talk.send("session.update", { session: isBeta ? { tools: [WEATHER] } : { type: "realtime", tools: [WEATHER] } });
    talk.say();
    const { call_id } = await talk.waitFor("response.function_call_arguments.done");
    await talk.waitFor("response.done");
    const item = { type: "function_call_output", call_id, output: '{"celsius": 21}' };
    talk.send("conversation.item.create", { item });
    talk.send("response.create");
    await talk.waitFor("response.done");
  },

  async returning(talk, client) {
    await talk.waitFor("session.created");
    talk.type("My cat is called Tom.");
    const { conversation } = await talk.waitFor("conversation.created");
    await talk.waitFor("response.done");
    await talk.close();
    const later = new Talk(client, { query: `?conversation=${conversation.id}` });
    await later.waitFor("session.created");
    later.type("What is my cat called?");
    await later.waitFor("response.done");
    await later.close();
  },

  /** What is refused, each with an id that the error must bring back. */
  async refusals(talk) {
    await talk.waitFor("session.created");
    const item = { id: "mine", type: "message", role: "user", content: [{ type: "input_text", text: "Hello." }] };
    talk.send("conversation.item.create", { item });
    talk.send("response.create");
    await talk.waitFor("response.done");
    for (const { send } of JSON.parse(readFileSync(process.env.REFUSALS))) {
      if (typeof send === "string") talk.rt.socket.send(send);
      else talk.rt.send(send);
      await talk.waitFor("error");
    }
    talk.type("Still there?");
    await talk.waitFor("response.done");
  },

  async busy(talk) {
    await talk.waitFor("session.created");
    talk.type("Count.");
    talk.send("response.create", { event_id: "second" });
    await talk.waitFor("error");
    await talk.waitFor("response.done");
  },

  async expiry(talk) {
    await talk.waitFor("error");
    tell({ type: "closed", code: await talk.closed });
  },

  async stranger(talk, client) {
    await talk.waitFor("session.created");
    const wrong = new Talk(client, { apiKey: "vp_wrong" });
    await wrong.waitFor("error");
    tell({ type: "closed", code: await wrong.closed });
  },
};

const [conversation, client] = process.argv.slice(2);
const talk = new Talk(client);
await conversations[conversation](talk, client);
await talk.close();
