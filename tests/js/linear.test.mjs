/** What comes from a provider is read in linear time on the page, too; tests/project/test_foreign_text.py has the server's. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { addText, EMPTY_TRACK } from "../../static/js/reducer/captions.js";
import { splitUnits } from "../../static/js/reducer/speech_units.js";
import { Clauses } from "../../static/js/webspeech/clauses.js";
import { isCommand, isBackchannel, findOwnWords } from "../../static/js/webspeech/echo.js";
import { joinResults } from "../../static/js/webspeech/recognition_results.js";

const SAID = "The library closes at six today, and it opens again on Monday. ".repeat(5);
const VOCABULARY = { backchannels: new Set(["mhm"]), commands: new Set(["stop"]) };
const UNITS = [
  "\u0301", "e\u0301", "👍🏽\u200d", "我", "ก", "[", "![](", "](", "<a ", "```\n", "`", "*a", "$$", "\\(", "$a", "|", "|-", "> ", "- ",
  "&amp;", "[1]", "【4†", "http://", "1", "1.", " ", "\n", ".", ". ", "?", "—", "a", "a ", "word ", "Dr. ", "---",
];
const READERS = {
  "a reply at once": (text) => feed([text]),
  "a reply in pieces": (text) => feed(cutPieces(text)),
  units: (text) => splitUnits(text),
  // The list of words is copied for each piece, which a hundred thousand of them at most allow.
  "captions in pieces": (text) => cutPieces(text.slice(0, 8_000)).reduce(addText, EMPTY_TRACK),
  "words over a reply": (text) => findOwnWords(text, SAID, VOCABULARY),
  "a reply that is echoed": (text) => findOwnWords(SAID, text, VOCABULARY),
  "a backchannel": (text) => [isBackchannel(text, VOCABULARY), isCommand(text, VOCABULARY)],
  "results of the recogniser": (text) => joinResults(cutPieces(text).map((transcript) => [{ transcript }]), 0, true),
};
const [CHARS, TIMES, MOST_TIMES_AS_LONG, LEAST_MS, TRIES] = [5_000, 4, 9, 8, 5];

function feed(parts) {
  const clauses = new Clauses();
  for (const part of parts) clauses.feed(part);
  clauses.flush();
}

function cutPieces(text) {
  return text.match(/[^]{1,100}/gu);
}

function spend(reader, text) {
  const started = process.cpuUsage();
  reader(text);
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

function isLinear(reader, unit) {
  const [short, long] = [CHARS, CHARS * TIMES].map((chars) => unit.repeat(chars / unit.length));
  let [leastShort, leastLong] = [Infinity, Infinity];
  for (let tries = 0; tries < TRIES; tries++) {
    leastLong = Math.min(leastLong, spend(reader, long));
    leastShort = Math.min(leastShort, spend(reader, short));
    if (leastLong < LEAST_MS || leastLong < MOST_TIMES_AS_LONG * leastShort) return true;
  }
  return false;
}

for (const [name, reader] of Object.entries(READERS)) {
  test(`${name}: read in linear time`, () => {
    assert.deepEqual(UNITS.filter((unit) => !isLinear(reader, unit)), []);
  });
}
