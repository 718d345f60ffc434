import assert from "node:assert/strict";
import { test } from "node:test";

import * as protocol from "../../../static/js/net/protocol.js";
import { buildRealtimeUrl } from "../../../static/js/net/socket.js";

test("base64 is measured as it is decoded", () => {
  for (const samples of [0, 1, 2, 3, 480, 961]) {
    const base64 = Buffer.from(Int16Array.from({ length: samples }, (_, i) => i - 3).buffer).toString("base64");
    assert.equal(protocol.countSamples(base64), samples);
    assert.equal(protocol.decodePcm(base64).length, samples);
  }
  assert.deepEqual([...protocol.decodePcm("//8BAA==")], [-1, 1]);
});

test("frames that are no events are passed over", () => {
  for (const frame of ["", "{", "null", "[]", '{"type":1}']) assert.equal(protocol.parse(frame), null);
  assert.equal(protocol.parse('{"type":"x"}').type, "x");
});

test("an item's words are those of its parts, spoken or typed", () => {
  assert.equal(protocol.getText({ content: [{ transcript: "a" }, { text: "b" }, { transcript: null }] }), "ab");
  assert.equal(protocol.getText({}), "");
});

test("item ids are short enough for the protocol, and differ", () => {
  assert.match(protocol.makeItemId(), /^item_[0-9a-f]{24}$/);
  assert.notEqual(protocol.makeItemId(), protocol.makeItemId());
});

test("the address follows the page's own, in safety too", () => {
  const choice = { assistant: "tutor", conversation: "conv_1" };
  const url = buildRealtimeUrl("https://voice.example/talk/?x=1", choice);
  assert.equal(url.href, "wss://voice.example/v1/realtime?assistant=tutor&conversation=conv_1");
  assert.equal(buildRealtimeUrl("http://localhost:8000/", {}).href, "ws://localhost:8000/v1/realtime");
  const zoned = buildRealtimeUrl("http://localhost:8000/", { timeZone: "Europe/Vienna" });
  assert.equal(zoned.searchParams.get("time_zone"), "Europe/Vienna");
  assert.equal(buildRealtimeUrl("http://localhost:8000/", { timeZone: "Etc/Unknown" }).search, "");
});
