import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { splitUnits, measureWeight } from "../../../static/js/reducer/speech_units.js";

const CASES = JSON.parse(readFileSync(new URL("../../support/spoken_units.json", import.meta.url), "utf8"));

test("it shares a clause's time among its words as the server does", () => {
  assert.ok(CASES.length > 15);
  for (const { clause, units: expected } of CASES) {
    let start = 0;
    const found = splitUnits(clause).map(({ end, said, pause }) => {
      const text = clause.slice(start, end);
      start = end;
      return [text, said, pause];
    });
    assert.deepEqual(found, expected);
  }
});

test("a clause weighs what its words and pauses do", () => {
  assert.equal(measureWeight(splitUnits("Sure, I can.")), 13);
  assert.equal(measureWeight([]), 0);
});
