import assert from "node:assert/strict";
import { test } from "node:test";

import { addAudio, addText, EMPTY_TRACK, endTrack, getSpokenText } from "../../../static/js/reducer/captions.js";

function buildTrack(...clauses) {
  return clauses.reduce((all, [text, samples]) => addAudio(addText(all, text), samples), EMPTY_TRACK);
}

test("words appear one after the other, as they begin", () => {
  const spoken = buildTrack(["one two three four", 18000], [" five six", 9000]);
  assert.equal(getSpokenText(spoken, 0), "");
  assert.equal(getSpokenText(spoken, 500), "one");
  assert.equal(getSpokenText(spoken, 5000), "one two");
  assert.equal(getSpokenText(spoken, 18000), "one two three four");
  assert.equal(getSpokenText(spoken, 19000), "one two three four five");
  assert.equal(getSpokenText(endTrack(spoken), 27000), "one two three four five six");
});

test("a caption never goes back, and never runs ahead of its clause's audio", () => {
  let spoken = EMPTY_TRACK;
  let last = "";
  for (let clause = 0; clause < 5; clause++) {
    spoken = addText(spoken, ` clause number ${clause} has some words.`);
    for (let piece = 0; piece < 10; piece++) {
      spoken = addAudio(spoken, 4800);
      const now = getSpokenText(spoken, spoken.received - 2400);
      assert.ok(now.startsWith(last), `${last} became ${now}`);
      assert.ok(!now.includes(`number ${clause + 1}`));
      last = now;
    }
  }
});

test("texts that come without audio between them share their time", () => {
  const spoken = buildTrack(["one ", 0], ["two", 24000]);
  assert.equal(spoken.clauses.length, 1);
  assert.equal(getSpokenText(spoken, 1000), "one");
});

test("the end of a clause whose audio still comes is estimated from the voice's own pace", () => {
  const slow = buildTrack(["a sentence of forty-eight characters, quite slow.", 96000], [" and then some more", 2400]);
  assert.equal(getSpokenText(slow, 96000 + 2400), "a sentence of forty-eight characters, quite slow. and");
});

test("text without any audio is all there once it has ended", () => {
  assert.equal(getSpokenText(endTrack(addText(EMPTY_TRACK, "Silent.")), 0), "Silent.");
});

test("a word has the time that it takes to say", () => {
  const spoken = buildTrack(["in 1998, we met", 24000], [" 我今天很好", 24000], [" end", 0]);
  assert.equal(getSpokenText(spoken, 12000), "in 1998,"); // two letters, four figures and a pause: most of the clause
  assert.equal(getSpokenText(spoken, 20000), "in 1998, we");
  assert.equal(getSpokenText(spoken, 24000 + 12000), "in 1998, we met 我今天");
});
