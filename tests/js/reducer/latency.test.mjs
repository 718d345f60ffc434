import assert from "node:assert/strict";
import { test } from "node:test";

import { describeLatency } from "../../../static/js/reducer/latency.js";
import { startCall, buildPlayback, buildReply, responseCreated, buildResponseDone, SECOND, speechStarted, speechStopped } from "../../support/page_call.mjs";

const SERIAL = { endpoint: 0, transcript: 210, first_token: 500, first_clause: 560, first_audio: 760, done: 2400 };

/** One spoken turn, heard `totalMs` after the person had finished. */
function takeTurn(timing, totalMs, call = startCall()) {
  call.hear(speechStarted, speechStopped, responseCreated);
  call.now += totalMs;
  call.hear(buildReply("output_audio_transcript.delta", { delta: "Hi." }), buildReply("output_audio.delta", { delta: SECOND }));
  call.tell(buildPlayback("progress", 240, { lag: 239 }));
  return call.hear(buildResponseDone("completed", { timing }));
}

function describeTurn(timing, totalMs) {
  return describeLatency(takeTurn(timing, totalMs).state).replaceAll("\u00a0", " ");
}

test("it says where the time went, and its parts add up", () => {
  assert.equal(describeTurn(SERIAL, 820), "Answered in 0.82 s · words 0.21 · model 0.35 · voice 0.20 · network and player 0.06");
});

test("what was ready ahead of the endpoint took no time", () => {
  const streamed = { transcript: -80, first_token: 300, first_clause: 350, first_audio: 550 };
  assert.equal(describeTurn(streamed, 600), "Answered in 0.60 s · model 0.35 · voice 0.20 · network and player 0.05");
  const ahead = { transcript: -350, first_token: -200, first_clause: -150, first_audio: 5 };
  assert.equal(describeTurn(ahead, 66), "Answered in 0.07 s · thought ahead · voice 0.01 · network and player 0.06");
  const allAhead = { ...ahead, first_audio: -20 };
  assert.equal(describeTurn(allAhead, 60), "Answered in 0.06 s · thought ahead · network and player 0.06");
  const wordsLate = { ...ahead, transcript: 150, first_audio: 151 };
  assert.equal(describeTurn(wordsLate, 211), "Answered in 0.21 s · words 0.15 · thought ahead · voice 0.00 · network and player 0.06");
});

test("a typed turn has no words to wait for", () => {
  const timing = { first_token: 300, first_clause: 350, first_audio: 550 };
  assert.equal(describeTurn(timing, 600), "Answered in 0.60 s · model 0.35 · voice 0.20 · network and player 0.05");
});

test("nothing is said until all of it is known, and the last turn's line stays until then", () => {
  assert.equal(describeLatency(startCall().state), "");
  assert.equal(describeTurn(undefined, 600), "");
  const call = takeTurn(SERIAL, 820);
  const before = describeLatency(call.state);
  call.hear({ type: "response.created", response: { id: "r2" } });
  call.hear(buildReply("output_audio_transcript.delta", { delta: "And", response_id: "r2", item_id: "a2" }));
  assert.equal(describeLatency(call.state), before);
});

test("a cough before the reply sounds does not make it look sooner, whenever the verdict comes", () => {
  const verdict = { type: "output_audio_buffer.started", response_id: "r1" };
  const coughOver = { ...speechStopped, item_id: "u2" };
  for (const end of [[coughOver, verdict], [verdict, coughOver]]) {
    const call = startCall().hear(speechStarted, speechStopped, responseCreated);
    call.now += 500;
    call.hear({ ...speechStarted, item_id: "u2" }, ...end);
    call.now += 320;
    call.hear(buildReply("output_audio_transcript.delta", { delta: "Hi." }), buildReply("output_audio.delta", { delta: SECOND }));
    call.tell(buildPlayback("progress", 240, { lag: 239 })).hear(buildResponseDone("completed", { timing: SERIAL }));
    assert.match(describeLatency(call.state), /^Answered\sin\s0\.82\ss/);
  }
});

test("clocks that disagree do not show", () => {
  assert.match(describeTurn(SERIAL, 700), /network and player 0\.00$/);
});
