import assert from "node:assert/strict";
import { test } from "node:test";

import { listUndelivered } from "../../../static/js/reducer/outgoing_messages.js";
import { getStatus } from "../../../static/js/ui/status.js";
import { conversation, created, buildItem, startCall, buildPlayback, responseCreated, buildResponseDone, startReply, speechStarted, PageCall } from "../../support/page_call.mjs";

const LOST = { type: "socket.closed", code: 1006, random: 0 };
const updated = { type: "session.updated", session: {} };

function buildText(id = "t1", text = "Hello?") {
  return { type: "text", id, text };
}

function buildAdded(id = "t1", text = "Hello?", role = "user") {
  return { type: "conversation.item.added", item: buildItem(id, role, text, "input_text"), previous_item_id: null };
}

function buildRefusal(code, fields) {
  return { type: "error", error: { type: "invalid_request_error", code, message: "Why.", ...fields } };
}

/** The texts that were sent as messages by the last event, and whether a reply was asked for. */
function listSent(call) {
  const events = call.effects.filter((effect) => effect.do === "send").map(({ event }) => event);
  const texts = events.filter(({ type }) => type === "conversation.item.create").map((event) => event.item.content[0].text);
  return [texts, events.filter(({ type }) => type === "response.create").length];
}

function getDelivery(call, id = "t1") {
  return call.state.items[id]?.delivery;
}

/** One turn is answered, and the server has all of it. */
function startAnsweredCall() {
  return startCall().tell(buildText("t0", "Hi.")).hear(buildAdded("t0", "Hi."), responseCreated, buildAdded("a0", "Hello.", "assistant"), buildResponseDone("completed"));
}

test("a message is pending until the server has it", () => {
  const call = startCall().tell(buildText());
  assert.equal(getDelivery(call), "sending");
  assert.equal(getDelivery(call.hear(buildAdded())), undefined);
  assert.deepEqual(listUndelivered(call.state), []);
});

test("what was written to a dead connection is sent again, once, when the server has told what it has", () => {
  const call = startAnsweredCall().tell(buildText("t1", "One."), buildText("t2", "Two."), LOST);
  assert.deepEqual([getDelivery(call), getDelivery(call, "t2")], ["sending", "sending"]);
  call.hear(created, conversation);
  assert.deepEqual(listSent(call), [[], 0]);
  call.hear(buildAdded("t0", "Hi."), buildAdded("a0", "Hello.", "assistant"), updated);
  assert.deepEqual(listSent(call), [["One.", "Two."], 1]);
  assert.deepEqual(call.effects.map(({ event }) => event.item?.id), ["t1", "t2", undefined]);
  assert.deepEqual(listSent(call.hear(updated)), [[], 0]);
  assert.equal(call.status, "thinking");
});

test("what arrived before the connection broke is not sent again, but answered", () => {
  const call = startAnsweredCall().tell(buildText(), LOST).hear(created, conversation, buildAdded("t0", "Hi."), buildAdded("a0", "Hello.", "assistant"), buildAdded());
  assert.equal(getDelivery(call), undefined);
  assert.deepEqual(listSent(call.hear(updated)), [[], 1]);
});

test("a reply that the server has already is not asked for again", () => {
  const call = startAnsweredCall().tell(buildText()).hear(buildAdded(), responseCreated).tell(LOST);
  call.hear(created, conversation, buildAdded("t0", "Hi."), buildAdded("a0", "Hello.", "assistant"), buildAdded(), buildAdded("a1", "Yes.", "assistant"));
  assert.deepEqual(listSent(call.hear(updated)), [[], 0]);
  assert.deepEqual(listSent(startReply().tell(LOST).hear(created, updated)), [[], 0]);
});

test("a conversation that was never stored is followed by another one, which gets the message", () => {
  const call = startCall().tell(buildText(), LOST).hear(buildRefusal("not_found"));
  call.tell({ ...LOST, code: 1008 });
  assert.deepEqual([call.done, call.state.conversation], [["connect"], null]);
  call.hear(created, { type: "conversation.created", conversation: { id: "conv_2" } }, updated);
  assert.deepEqual(listSent(call), [["Hello?"], 1]);
  assert.equal(call.state.conversation, "conv_2");
});

test("a conversation that was deleted ends the call, and a new one can begin with the message", () => {
  const call = startAnsweredCall().tell(buildText(), LOST).hear(buildRefusal("not_found"));
  call.tell({ ...LOST, code: 1008 });
  assert.deepEqual([call.state.phase, getDelivery(call)], ["failed", "unsent"]);
  assert.match(call.state.notices.server.text, /was deleted/);
  call.tell({ type: "start" }, { type: "resend", id: "t1" }, { type: "microphone.ready" });
  assert.deepEqual([call.words, call.done], [["Hello?"], ["connect"]]);
  assert.deepEqual(listSent(call.hear(created)), [["Hello?"], 1]);
});

test("one can write while there is no connection", () => {
  const call = startAnsweredCall().tell(LOST, buildText());
  assert.deepEqual([call.effects, getDelivery(call)], [[], "sending"]);
  assert.deepEqual(listSent(call.hear(created)), [["Hello?"], 1]);
  assert.deepEqual(new PageCall().tell({ type: "start" }, buildText()).words, [], "nothing before the first connection");
});

test("a message that the server refuses can be sent again, as the last thing said", () => {
  const call = startCall().tell(buildText()).hear(buildRefusal("conversation_full", { event_id: "t1" }));
  assert.deepEqual([getDelivery(call), call.state.notices.turn.text], ["unsent", "Why."]);
  call.hear(buildAdded("x", "Later.")).tell({ type: "resend", id: "t1" });
  assert.deepEqual([listSent(call), call.state.order], [[["Hello?"], 1], ["x", "t1"]]);
  assert.deepEqual(call.tell({ type: "resend", id: "t1" }).effects, [], "it is on its way");
});

test("a message that is there already has arrived", () => {
  const call = startCall().tell(buildText()).hear(buildRefusal("item_create_duplicate_item_id", { event_id: "t1" }));
  assert.deepEqual([getDelivery(call), call.state.notices], [undefined, {}]);
});

test("a call that ends says what was not sent", () => {
  const call = startCall().tell(buildText(), LOST, { type: "hang.up" });
  assert.deepEqual([getDelivery(call), call.state.items.t1.pending], ["unsent", false]);
});

test("a server that does not like the greeting is given the messages all the same", () => {
  const call = startAnsweredCall().tell(buildText(), LOST).hear(created);
  assert.deepEqual(listSent(call.hear(buildRefusal("invalid_value", { event_id: "hello" }))), [["Hello?"], 1]);
  assert.equal(call.state.notices.turn.text, "Why.");
});

test("words that were being spoken when the connection broke are asked for again, unless they arrived", () => {
  const lost = startCall().hear(speechStarted).tell(LOST).hear(created, updated);
  assert.deepEqual(lost.words, []);
  assert.match(lost.state.notices.turn.text, /say that again/);
  const kept = startCall().hear(speechStarted).tell(LOST).hear(created, buildAdded("u1", "I was here."), updated);
  assert.deepEqual([kept.words, kept.state.notices], [["I was here."], {}]);
});

test("another assistant in a running call gets the message that was on its way", () => {
  const call = startAnsweredCall().tell(buildText(), { type: "choose", assistant: "tutor", voice: "" });
  assert.deepEqual(listSent(call.hear(created, updated)), [["Hello?"], 1]);
});

test("each way in which the server ends a connection says what to do", () => {
  const end = (code, error) => startAnsweredCall().hear(buildRefusal(error)).tell({ ...LOST, code });
  const signedOut = end(1008, "invalid_api_key");
  assert.deepEqual([signedOut.state.phase, getStatus(signedOut.state).label], ["failed", "You are signed out"]);
  assert.deepEqual([signedOut.state.notices.server.action, signedOut.state.notices.turn], ["sign-in", undefined]);
  const elsewhere = end(1008, "conversation_taken_over");
  assert.deepEqual([elsewhere.state.phase, elsewhere.state.notices.server.action], ["failed", "continue"]);
  assert.deepEqual(elsewhere.done, ["disconnect", "release"]);
  const restarting = end(1012, "server_restarting");
  assert.deepEqual([restarting.done, restarting.state.notices.server.tone], [["connect"], "info"]);
  assert.deepEqual(restarting.hear(created).state.notices, {});
});

test("storage that is away is told, and that it is back; newcomers wait", () => {
  const call = startCall().hear({ type: "session.storage", status: "delayed", message: "It waits." });
  assert.deepEqual([call.state.notices.storage.text, call.status], ["It waits.", "listening"]);
  call.hear({ type: "session.storage", status: "recovered", message: "Stored." });
  assert.deepEqual(call.state.notices, { turn: { tone: "info", text: "Stored." } });
  assert.deepEqual(call.tell(buildText()).state.notices, {});
  const late = new PageCall().tell({ type: "start" }, { type: "microphone.ready" }).hear(buildRefusal("storage_unavailable"));
  late.tell({ ...LOST, code: 1013 });
  assert.deepEqual([late.status, getStatus(late.state).label, late.state.notices.server.text], ["error", "The server is not ready", "Why."]);
  assert.equal(getStatus(late.hear(created).state).name, "listening");
});

test("a server without room is asked later each time", () => {
  const call = new PageCall().tell({ type: "start" }, { type: "microphone.ready" });
  const waits = [0, 1, 2, 3, 4, 5, 6].map(() => call.tell({ ...LOST, code: 1013 }).effects[0].delayMs);
  assert.deepEqual([waits[0], waits[1], waits[6]], [10000, 15000, 60000]);
});

test("an utterance that was not understood can be tried again", () => {
  const words = "conversation.item.input_audio_transcription";
  const failed = { type: `${words}.failed`, item_id: "u1", error: { message: "No." }, can_retry: true };
  const call = startCall().hear(speechStarted, buildAdded("u1", ""), failed);
  assert.deepEqual([call.state.items.u1.retry, call.state.items.u1.pending], ["offered", false]);
  call.tell({ type: "transcribe.again", id: "u1" });
  assert.deepEqual(call.sent, [`${words}.retry`]);
  assert.deepEqual([call.status, call.state.items.u1.pending], ["thinking", true]);
  call.tell(LOST).hear(created, buildAdded("u1", ""), updated);
  assert.deepEqual([call.state.items.u1.retry, call.state.items.u1.pending], ["offered", false]);
  call.tell({ type: "push", on: true }, { type: "transcribe.again", id: "u1" });
  assert.deepEqual(call.sent, [`${words}.retry`, "response.create"]);
  call.hear({ type: `${words}.completed`, item_id: "u1", transcript: "Hi" });
  assert.deepEqual([call.words, call.state.items.u1.retry], [["Hi"], undefined]);
});

test("typing over a reply on a line that is dead is sent when there is another", () => {
  const call = startReply().tell(buildText(), LOST, buildPlayback("stopped", 100)).hear(created, conversation, updated);
  assert.deepEqual(listSent(call), [["Hello?"], 1]);
});
