import assert from "node:assert/strict";
import { test } from "node:test";

import { OutgoingFrames } from "../../../static/js/net/outgoing_frames.js";

const SECOND = new Int16Array(24000);

test("what did not arrive is sent again, in order", () => {
  const frames = new OutgoingFrames();
  for (const name of ["a", "b", "c"]) frames.add(name, true);
  frames.add("d", false);
  assert.deepEqual(frames.takeFrom(2), ["c", "d"]);
  assert.deepEqual(frames.takeFrom(4), []);
  assert.equal(frames.takeFrom(5), null);
});

test("beyond 45 seconds of sound the oldest is forgotten", () => {
  const frames = new OutgoingFrames();
  for (let second = 0; second < 50; second++) frames.add(SECOND, false);
  assert.equal(frames.takeFrom(4), null);
  assert.equal(frames.takeFrom(5).length, 45);
});

test("only sound that no connection got is for another session", () => {
  const frames = new OutgoingFrames();
  frames.add(SECOND, true);
  frames.add("event", false);
  const sound = new Int16Array(2);
  frames.add(sound, false);
  assert.deepEqual(frames.listUnwrittenSound(), [sound]);
  frames.reset();
  assert.deepEqual([frames.listUnwrittenSound(), frames.takeFrom(0)], [[], []]);
});
