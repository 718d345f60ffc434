// The beta reference client as npm has it, in the package that took it over. It keeps a copy of the conversation of its
// own, built from the events.
//
// `node beta_reference.mjs CONVERSATION` prints each event {event}, and at the end the copy: {items}.

import { RealtimeClient } from "openai-realtime-api";

import { Events, tell } from "./events.mjs";
import { readFrames } from "./speech.mjs";

const { OPENAI_API_KEY, SITE_URL } = process.env;
const WEATHER = {
  name: "weather",
  description: "The weather in a city.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const events = new Events();
const client = new RealtimeClient({ url: `${SITE_URL.replace("http", "ws")}/v1/realtime`, apiKey: OPENAI_API_KEY });
client.conversation.debug = true; // says on standard error what it could not use, and would keep to itself
client.on("realtime.event", ({ source, event }) => {
  if (source !== "server") return;
  tell({ event });
  events.take(event);
});

function say(silenceMs) {
  for (const frame of readFrames(silenceMs)) client.appendInputAudio(new Int16Array(new Uint8Array(frame).buffer));
}

const conversations = {
  async text() {
    client.sendUserMessageContent([{ type: "input_text", text: "What is two and two?" }]);
    await events.waitFor("response.done");
  },

  /** Its default: no detection of turns, the audio is committed with `response.create`. */
  async manual() {
    say(0);
    client.createResponse();
    await events.waitFor("response.done");
  },

  async voice() {
    client.updateSession({ turn_detection: { type: "server_vad" } });
    await events.waitFor("session.updated");
    say(1000);
    await events.waitFor("response.done");
  },

  /** As its console does when one speaks over a reply. */
  async interruption() {
    client.sendUserMessageContent([{ type: "input_text", text: "Count." }]);
    const { item_id } = await events.waitFor("response.audio.delta");
    client.cancelResponse(item_id, 960);
    await events.waitFor("conversation.item.truncated");
  },

  async tools() {
    client.addTool(WEATHER, ({ city }) => ({ city, celsius: 21 }));
    client.sendUserMessageContent([{ type: "input_text", text: "How is the weather in Oslo?" }]);
    await events.waitFor("response.done");
    await events.waitFor("response.done");
  },
};

await client.connect();
await client.waitForSessionCreated();
await events.waitFor("session.updated");
await conversations[process.argv[2]]();
for (const item of client.conversation.getItems()) {
  const { audio, ...formatted } = item.formatted;
  tell({ item: { ...item, formatted, samples: audio.length } });
}
client.disconnect();
