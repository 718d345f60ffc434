import assert from "node:assert/strict";
import { test } from "node:test";

import { MicrophoneGate } from "../../../static/js/audio/microphone_gate.js";

const LIVE = { phase: "live", push: false, muted: false, heldSince: null, microphone: "ready", listen: "site" };

function buildFrame(value) {
  return Int16Array.from([value, value]);
}

function listSent(...steps) {
  const pcm = [];
  const microphoneGate = new MicrophoneGate((one) => pcm.push(one[0]));
  for (const [value, change] of steps) microphoneGate.take(buildFrame(value), { ...LIVE, ...change });
  return pcm;
}

test("all of the microphone is sent", () => {
  assert.deepEqual(listSent([1, {}], [2, {}]), [1, 2]);
});

test("a muted microphone sends silence, not nothing", () => {
  assert.deepEqual(listSent([1, { muted: true }], [2, {}]), [0, 2]);
});

test("with a key to hold nothing is sent until it is pressed, then the last 320 ms too", () => {
  const waiting = Array.from({ length: 10 }, (_, i) => [i + 1, { push: true }]);
  const held = { push: true, heldSince: 1000 };
  assert.deepEqual(listSent(...waiting), []);
  assert.deepEqual(listSent(...waiting, [11, held], [12, held]), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test("what is said while a lost connection is made again is kept for it", () => {
  assert.deepEqual(listSent([1, { phase: "reconnecting", isResuming: true }], [2, { phase: "reconnecting" }]), [1]);
});

test("nothing is sent outside a call, without a microphone, or while the browser listens", () => {
  for (const change of [{ phase: "connecting" }, { microphone: "none" }, { listen: "browser" }]) {
    assert.deepEqual(listSent([1, change]), []);
    assert.deepEqual(listSent([1, { push: true }], [2, { push: true, ...change }], [3, { push: true, heldSince: 1 }]), [3]);
  }
});
