import assert from "node:assert/strict";
import { test } from "node:test";

import { getSpokenText } from "../../../static/js/reducer/captions.js";
import { isCommand, isBackchannel, findOwnWords } from "../../../static/js/webspeech/echo.js";
import { isListenerWanted } from "../../../static/js/reducer/recognised_words.js";
import {
  conversation, created, buildItem, startCall, buildPlayback, buildReply, responseCreated, buildResponseDone, SECOND, startReply, speechStarted, speechStopped, PageCall, buildTranscript,
} from "../../support/page_call.mjs";

const VOCABULARY = { backchannels: new Set(["mhm", "yeah", "i see", "okay"]), commands: new Set(["stop", "wait", "no", "hold on"]) };
const BOTH = { listen: "browser", speak: "browser", vocabulary: VOCABULARY };
const REPLY = "The library closes at six today. ";
const ANSWER = { type: "playback.clause", item: "a1", text: REPLY, samples: 0, heard: 0 };

/** The browser's voice has begun a reply, and spoken `samples` of it. */
function startSpokenReply(samples = 12000, options = BOTH) {
  const call = startCall(options).tell({ type: "utterance", id: "w1", text: "When does it close?" });
  call.hear(responseCreated, buildReply("output_text.delta", { delta: REPLY }));
  return call.tell(ANSWER, buildPlayback("progress", samples));
}

function buildWords(text, type = "words", id = "w2") {
  return { type, id, text };
}

function findEvent(call, type) {
  return call.effects.find(({ event }) => event?.type === type)?.event;
}

test("a turn by the browser's ears and voice", () => {
  const call = startCall(BOTH);
  const update = startCall(BOTH).tell({ type: "speak", by: "browser" }).effects[0].event.session;
  assert.deepEqual([update.output_modalities, update.audio.input.turn_detection], [["text"], null]);
  assert.equal(call.status, "listening");
  call.tell(buildWords("When does", "words", "w1"));
  assert.deepEqual([call.status, call.words, call.state.items.w1.pending], ["hearing", ["When does"], true]);
  call.tell(buildWords("When does it close?", "utterance", "w1"));
  assert.deepEqual(call.sent, ["conversation.item.create", "response.create"]);
  assert.deepEqual([call.status, call.state.items.w1.pending], ["thinking", false]);
  call.hear(responseCreated, buildReply("output_text.delta", { delta: "The library " }));
  assert.deepEqual(call.effects, [{ do: "say", item: "a1", text: "The library " }]);
  assert.equal(call.status, "speaking");
  call.hear(buildReply("output_text.delta", { delta: "closes at six today. " }), buildReply("output_text.done", { text: REPLY }));
  assert.deepEqual(call.effects, [{ do: "endPlay", item: "a1" }]);
  call.hear(buildResponseDone("completed")).tell(ANSWER, buildPlayback("progress", 12000));
  assert.deepEqual(call.sent, ["output_audio_buffer.started"]);
  const shown = () => getSpokenText(call.state.items.a1.track, call.state.items.a1.played);
  assert.equal(shown(), "The library");
  call.tell(buildPlayback("finished", 60000));
  assert.deepEqual([shown(), call.status], [REPLY, "listening"]);
});

test("the first words that are the user's own end the reply, and what was heard of it is told in words", () => {
  const call = startSpokenReply().tell(buildWords("But what about"));
  assert.deepEqual(call.done, ["send", "stopPlay"]);
  assert.deepEqual(call.sent, ["response.cancel"]);
  assert.equal(call.status, "hearing");
  call.tell(buildPlayback("stopped", 14000));
  assert.deepEqual(findEvent(call, "conversation.item.truncate"), {
    type: "conversation.item.truncate", event_id: "quiet", item_id: "a1", content_index: 0, audio_end_ms: 0, heard: "The library",
  });
  assert.deepEqual(call.hear(buildReply("output_text.delta", { delta: "Tomorrow " })).effects, [], "the rest is not spoken");
  call.tell(buildWords("But what about tomorrow?", "utterance"));
  assert.deepEqual(call.sent, ["conversation.item.create", "response.create"]);
  assert.equal(findEvent(call, "conversation.item.create").item.content[0].text, "But what about tomorrow?");
});

test("an echo of the voice neither interrupts nor becomes a message", () => {
  const call = startSpokenReply(60000).hear(buildResponseDone("completed"));
  for (const text of ["the", "the library", "the library closes at", "the library closes at sick today"]) {
    assert.deepEqual(call.tell(buildWords(text)).effects, []);
  }
  assert.equal(call.status, "speaking");
  call.tell(buildPlayback("finished", 66000));
  call.now += 900;
  assert.deepEqual(call.tell(buildWords("the library closes at six today", "utterance")).effects, []);
  assert.deepEqual(call.words, ["When does it close?", REPLY]);
  call.now += 5000;
  assert.deepEqual(call.tell(buildWords("at six", "utterance", "w3")).sent.length, 2, "later the same words are the user's");
});

test("a backchannel leaves the reply alone, a command ends it at its first word", () => {
  const call = startSpokenReply();
  assert.deepEqual(call.tell(buildWords("Mhm"), buildWords("Mhm", "utterance")).effects, []);
  assert.deepEqual(call.tell(buildWords("Stop", "words", "w3")).sent, ["response.cancel"]);
  assert.equal(startSpokenReply().tell(buildWords("Hm tea")).done.includes("stopPlay"), true);
  assert.deepEqual(startSpokenReply().tell(buildWords("tea")).effects, [], "one word may still change");
  assert.equal(startSpokenReply().tell(buildWords("tea", "utterance")).done.includes("stopPlay"), true);
});

test("over the site's voice, too, the browser's words decide; and the sound played is told", () => {
  const call = startCall({ ...BOTH, speak: "site" });
  call.tell(buildWords("Hello there my friend", "utterance", "w1"));
  call.hear(responseCreated, buildReply("output_audio_transcript.delta", { delta: REPLY }), buildReply("output_audio.delta", { delta: SECOND }));
  call.tell(buildPlayback("progress", 12000));
  assert.deepEqual(call.tell(buildWords("the library")).effects, []);
  assert.equal(call.tell(buildWords("I wanted to")).done.includes("stopPlay"), true);
  assert.equal(findEvent(call.tell(buildPlayback("stopped", 12000)), "conversation.item.truncate").audio_end_ms, 500);
});

test("what the site hears while the browser speaks is judged by the page", () => {
  const call = startSpokenReply(12000, { speak: "browser", vocabulary: VOCABULARY });
  const detection = call.tell({ type: "patience", patience: "quick" }).effects[0].event.session.audio.input.turn_detection;
  assert.deepEqual(detection, { type: "semantic_vad", eagerness: "high", create_response: false, interrupt_response: false });
  const delta = (text) => ({ type: "conversation.item.input_audio_transcription.delta", item_id: "u1", content_index: 0, delta: text });
  call.hear(speechStarted, delta("the library"), delta(" closes"));
  assert.deepEqual([call.effects, call.status], [[], "speaking"]);
  call.hear(speechStopped, buildTranscript("the library closes"));
  assert.deepEqual(findEvent(call, "conversation.item.delete"), { type: "conversation.item.delete", event_id: "quiet", item_id: "u1" });
  call.hear({ ...speechStarted, item_id: "u2" }, { ...delta("and on"), item_id: "u2" });
  assert.deepEqual(call.done, ["send", "stopPlay"]);
  call.tell(buildPlayback("stopped", 13000)).hear({ ...delta(" Sunday"), item_id: "u2" });
  assert.deepEqual([call.status, call.words.at(-1)], ["hearing", "and on Sunday"]);
  call.hear({ ...speechStopped, item_id: "u2" }, buildTranscript("And on Sunday?", "u2"));
  assert.deepEqual([call.sent, call.status, call.words.at(-1)], [["response.create"], "thinking", "And on Sunday?"]);
});

test("with the button, words go out when it is let go, and nothing is said aloud about nothing", () => {
  const call = startCall(BOTH).tell({ type: "push", on: true });
  assert.equal(isListenerWanted(call.state), false);
  call.tell({ type: "hold" });
  assert.deepEqual([isListenerWanted(call.state), call.sent], [true, []]);
  call.tell(buildWords("Good morning"));
  call.now += 900;
  assert.deepEqual([call.tell({ type: "let.go" }).sent, call.status], [[], "thinking"]);
  assert.deepEqual(call.tell(buildWords("Good morning.", "utterance")).sent, ["conversation.item.create", "response.create"]);
  call.hear(responseCreated, buildResponseDone("completed")).tell({ type: "hold" });
  call.now += 900;
  call.tell({ type: "let.go" }, { type: "utterance", id: null, text: "" });
  assert.match(call.state.notices.turn.text, /No speech was heard/);
  assert.equal(call.status, "listening");
});

test("who is muted is not listened to", () => {
  const call = startCall(BOTH);
  assert.equal(isListenerWanted(call.state), true);
  assert.equal(isListenerWanted(call.tell({ type: "mute", on: true }).state), false);
  assert.equal(isListenerWanted(startCall().state), false);
});

test("where the browser hears nothing, the site listens, before the call and in it", () => {
  const notice = { tone: "info", text: "It could not be reached. This site listens instead." };
  const asking = new PageCall(BOTH).tell({ type: "start" }, { type: "listener.failed", notice });
  assert.deepEqual([asking.done, asking.state.listen, asking.state.notices.listening], [["openInput"], "site", notice]);
  assert.deepEqual(asking.tell({ type: "microphone.ready" }).done, ["connect"]);
  const call = startCall(BOTH).tell({ type: "listener.failed", notice });
  assert.deepEqual(call.done, ["openInput"]);
  call.tell({ type: "microphone.ready" });
  assert.equal(call.effects[0].event.session.audio.input.turn_detection.type, "semantic_vad");
  assert.equal(call.state.notices.listening, notice, "it is still to be read");
});

test("where the browser's voice fails, the reply can be read, and the next one has the site's voice", () => {
  const notice = { tone: "info", text: "It does not work." };
  const call = startSpokenReply().tell({ type: "speaker.failed", notice });
  assert.deepEqual(findEvent(call, "session.update").session.output_modalities, ["audio"]);
  assert.deepEqual([call.state.items.a1.track, call.words.at(-1), call.state.notices.speaking], [undefined, REPLY, notice]);
  call.hear(buildReply("output_text.delta", { delta: "Bye." }));
  assert.deepEqual([call.effects, call.words.at(-1)], [[], `${REPLY}Bye.`]);
});

test("listening and speaking are chosen apart, also in a running call", () => {
  const call = startCall({ vocabulary: VOCABULARY }).tell({ type: "listen", by: "browser" });
  assert.deepEqual([call.done, call.state.listen], [["openInput"], "browser"]);
  assert.equal(call.tell({ type: "microphone.ready" }).effects[0].event.session.audio.input.turn_detection, null);
  call.tell({ type: "speak", by: "browser" });
  assert.deepEqual(call.effects[0].event.session.output_modalities, ["text"]);
  const typing = new PageCall().tell({ type: "start" }, { type: "start.typing" }).hear(created);
  assert.deepEqual(typing.tell({ type: "listen", by: "browser" }).effects, []);
  assert.deepEqual(new PageCall().tell({ type: "listen", by: "browser" }).effects, []);
});

test("what is said while there is no connection is sent when there is one", () => {
  const call = startCall(BOTH).tell({ type: "socket.closed", code: 1006, random: 0 });
  call.tell(buildWords("Are you there?", "utterance"));
  assert.deepEqual([call.sent, call.words, call.state.items.w2.pending], [[], ["Are you there?"], true]);
  call.hear(created, conversation);
  assert.deepEqual(call.state.unsent, []);
  const again = startCall(BOTH).tell({ type: "socket.closed", code: 1006, random: 0 }, buildWords("Hello?", "utterance")).hear(created);
  assert.deepEqual(again.sent, ["session.update", "conversation.item.create", "response.create"]);
});

test("a reply goes on aloud while the connection is made again, and is not begun twice", () => {
  const call = startSpokenReply().tell({ type: "socket.closed", code: 1006, random: 0 });
  assert.deepEqual(call.done, ["endPlay", "connect"]);
  call.hear(created, { type: "conversation.item.added", item: buildItem("a1", "assistant", REPLY, "output_text"), previous_item_id: "w1" });
  assert.ok(call.state.items.a1.track);
  call.tell(buildPlayback("finished", 60000));
  assert.equal(call.status, "listening");
});

test("hanging up tells first what was heard", () => {
  const call = startSpokenReply().tell({ type: "hang.up" });
  call.tell(buildPlayback("stopped", 14000));
  assert.deepEqual(call.done, ["send", "disconnect", "release"]);
  assert.equal(call.effects[0].event.heard, "The library");
});

test("typing interrupts the browser's voice as any other", () => {
  const call = startSpokenReply().tell({ type: "text", id: "t1", text: "Stop." });
  call.tell(buildPlayback("stopped", 14000));
  assert.deepEqual(call.sent, ["conversation.item.truncate", "conversation.item.create", "response.create"]);
});

test("the site's barge-in is as it was where the browser only listens", () => {
  assert.equal(startReply().hear({ ...speechStarted, item_id: "u2" }).done.includes("pausePlay"), true);
});

test("echoes are told by their words, with some misheard", () => {
  const said = "I can tell you about the weather in Berlin. Would you like Monday or Tuesday?";
  const own = (text, around = said) => findOwnWords(text, around, VOCABULARY).text;
  assert.equal(own("i can tell you about the whether in Berlin", said.slice(0, 44)), "");
  assert.equal(own("the weather in Paris please", said), "the weather in Paris please");
  assert.equal(own("tell you about the weather in Berlin no wait"), "no wait");
  assert.equal(own("would you like Monday or Tuesday hold on"), "hold on");
  assert.equal(own("Tuesday"), "Tuesday", "it answers the question");
  assert.equal(own("no", "No, it does not."), "no", "a command is always the user's");
  assert.equal(own("今日はいい天気です", "今日はいい天気ですね。"), "");
  assert.equal(own("Hello", ""), "Hello");
});

test("backchannels and commands are known by the site's own lists", () => {
  for (const text of ["Mhm.", "yeah, I see", "Okay okay"]) assert.ok(isBackchannel(text, VOCABULARY), text);
  for (const text of ["Okay?", "yeah but", "I"]) assert.ok(!isBackchannel(text, VOCABULARY), text);
  assert.ok(isCommand("No, hold on!", VOCABULARY));
  assert.ok(!isCommand("no thanks", VOCABULARY));
});
