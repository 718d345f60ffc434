import assert from "node:assert/strict";
import { test } from "node:test";

import { getStatus } from "../../../static/js/ui/status.js";
import { buildPlayback, buildReply, buildResponseDone, conversation, created, SECOND, startCall, startReply } from "../../support/page_call.mjs";

const LOST = { type: "socket.closed", code: 1006, random: 0 };
const offered = { type: "session.resumption", token: "token", seconds: 30 };
const resumed = { type: "session.resumed", received_frames: 0 };

test("a reply goes on where the connection was lost, and nothing is done twice", () => {
  const call = startReply().hear(offered).tell(buildPlayback("progress", 4800)).tell(LOST);
  assert.deepEqual([call.done, call.status, call.state.response], [["connect"], "reconnecting", "r1"]);
  call.tell(buildPlayback("progress", 24000));
  call.hear(resumed);
  assert.deepEqual(call.sent, ["session.update", "output_audio_buffer.started"]);
  assert.equal(call.effects[1].event.played_ms, 1000);
  assert.equal(call.status, "speaking");
  call.hear(buildReply("output_audio.delta", { delta: SECOND }));
  assert.deepEqual(call.done, ["play"]);
  assert.equal(call.hear(buildResponseDone("completed")).state.response, null);
});

test("each try that fails leaves the session as it is", () => {
  const call = startReply().hear(offered).tell(LOST, LOST, { ...LOST, code: 1012 });
  assert.deepEqual([call.done, call.state.attempt, call.state.response], [["connect"], 3, "r1"]);
  assert.equal(call.hear(resumed).state.attempt, 0);
});

test("the page says that nothing is lost meanwhile, where the session can go on", () => {
  const hints = [startReply(), startReply().hear(offered)].map((call) => getStatus(call.tell(LOST).state).hint);
  assert.deepEqual(hints, ["Reconnecting to this conversation.", "Reconnecting. What you say is kept."]);
});

test("a server that lost the session says so, and the page connects again", () => {
  const error = { type: "error", error: { type: "server_error", code: "server_lost", message: "Gone. Connect again." } };
  const call = startReply().hear(offered, error).tell({ ...LOST, code: 1012 });
  assert.deepEqual([call.done, call.status, call.state.isResuming], [["connect"], "reconnecting", true]);
  assert.deepEqual([call.state.notices.turn, call.state.notices.server.tone], [undefined, "info"]);
  assert.equal(call.hear(created).state.notices.server, undefined);
});

test("where the session is gone the reply that was received is played to its end, in a new session", () => {
  const call = startReply().hear(offered).tell(LOST).hear(created);
  assert.deepEqual(call.done, ["endPlay", "send"]);
  assert.deepEqual([call.state.response, call.state.resumption, call.state.isResuming], [null, null, false]);
});

test("what is typed meanwhile ends the reply and is sent once", () => {
  const call = startReply().hear(offered).tell(buildPlayback("progress", 4800), LOST);
  call.tell({ type: "text", id: "t1", text: "Wait." });
  assert.deepEqual(call.sent, []);
  call.hear(resumed);
  assert.deepEqual(call.sent, ["session.update", "output_audio_buffer.started", "response.cancel"]);
  call.tell(buildPlayback("stopped", 4800));
  assert.deepEqual(call.sent, ["conversation.item.truncate", "conversation.item.create", "response.create"]);
});

test("a reply that was asked for is not asked for again", () => {
  const call = startCall().hear({ type: "session.updated" }, offered).tell({ type: "text", id: "t1", text: "Hello?" }, LOST);
  assert.deepEqual(call.hear(resumed).sent, ["session.update"]);
  assert.equal(call.state.thinking, true);
});

test("a session that was ended elsewhere is not resumed", () => {
  const error = { type: "error", error: { type: "invalid_request_error", code: "conversation_taken_over", message: "Elsewhere." } };
  const call = startCall().hear(offered).tell(LOST).hear(resumed, error).tell({ ...LOST, code: 1008 });
  assert.deepEqual([call.state.phase, call.state.resumption], ["failed", null]);
});

test("another voice is for a new session, also while the connection is lost", () => {
  const call = startCall().hear(offered).tell(LOST, { type: "choose", assistant: "assistant", voice: "de" });
  assert.equal(call.state.resumption, null);
  assert.equal(call.hear(created, conversation).state.phase, "live");
});
