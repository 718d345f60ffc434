import assert from "node:assert/strict";
import { test } from "node:test";

import { describeLatency } from "../../../static/js/reducer/latency.js";
import { live, played, reply, responseCreated, responseDone, SECOND, speechStarted, speechStopped } from "../../support/told.mjs";

const SERIAL = { endpoint: 0, transcript: 210, first_token: 500, first_clause: 560, first_audio: 760, done: 2400 };

/** One spoken turn, heard `totalMs` after the person had finished. */
function turn(timing, totalMs, call = live()) {
  call.hear(speechStarted, speechStopped, responseCreated);
  call.now += totalMs;
  call.hear(reply("output_audio_transcript.delta", { delta: "Hi." }), reply("output_audio.delta", { delta: SECOND }));
  call.tell(played("progress", 240, { lag: 239 }));
  return call.hear(responseDone("completed", { timing }));
}

function line(timing, totalMs) {
  return describeLatency(turn(timing, totalMs).state).replaceAll("\u00a0", " ");
}

test("it says where the time went, and its parts add up", () => {
  assert.equal(line(SERIAL, 820), "Answered in 0.82 s · words 0.21 · model 0.35 · voice 0.20 · network and player 0.06");
});

test("what was ready ahead of the endpoint took no time", () => {
  const streamed = { transcript: -80, first_token: 300, first_clause: 350, first_audio: 550 };
  assert.equal(line(streamed, 600), "Answered in 0.60 s · model 0.35 · voice 0.20 · network and player 0.05");
  const ahead = { transcript: -350, first_token: -200, first_clause: -150, first_audio: 5 };
  assert.equal(line(ahead, 66), "Answered in 0.07 s · thought ahead · voice 0.01 · network and player 0.06");
  const allAhead = { ...ahead, first_audio: -20 };
  assert.equal(line(allAhead, 60), "Answered in 0.06 s · thought ahead · network and player 0.06");
  const wordsLate = { ...ahead, transcript: 150, first_audio: 151 };
  assert.equal(line(wordsLate, 211), "Answered in 0.21 s · words 0.15 · thought ahead · voice 0.00 · network and player 0.06");
});

test("a typed turn has no words to wait for", () => {
  const timing = { first_token: 300, first_clause: 350, first_audio: 550 };
  assert.equal(line(timing, 600), "Answered in 0.60 s · model 0.35 · voice 0.20 · network and player 0.05");
});

test("nothing is said until all of it is known, and the last turn's line stays until then", () => {
  assert.equal(describeLatency(live().state), "");
  assert.equal(line(undefined, 600), "");
  const call = turn(SERIAL, 820);
  const before = describeLatency(call.state);
  call.hear({ type: "response.created", response: { id: "r2" } });
  call.hear(reply("output_audio_transcript.delta", { delta: "And", response_id: "r2", item_id: "a2" }));
  assert.equal(describeLatency(call.state), before);
});

test("a cough before the reply sounds does not make it look sooner, whenever the verdict comes", () => {
  const verdict = { type: "output_audio_buffer.started", response_id: "r1" };
  const coughOver = { ...speechStopped, item_id: "u2" };
  for (const end of [[coughOver, verdict], [verdict, coughOver]]) {
    const call = live().hear(speechStarted, speechStopped, responseCreated);
    call.now += 500;
    call.hear({ ...speechStarted, item_id: "u2" }, ...end);
    call.now += 320;
    call.hear(reply("output_audio_transcript.delta", { delta: "Hi." }), reply("output_audio.delta", { delta: SECOND }));
    call.tell(played("progress", 240, { lag: 239 })).hear(responseDone("completed", { timing: SERIAL }));
    assert.match(describeLatency(call.state), /^Answered\sin\s0\.82\ss/);
  }
});

test("clocks that disagree do not show", () => {
  assert.match(line(SERIAL, 700), /network and player 0\.00$/);
});
