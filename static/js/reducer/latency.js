/** Where the time of a turn went, in one line of text. Pure. */

/**
 * The steps of the waterfall that end a part of the wait, and what a part is called.
 * @type {[step: string, name: string][]}
 */
const PARTS = [["transcript", "words"], ["first_clause", "model"], ["first_audio", "voice"]];

const NO_BREAK = "\u00a0"; // a narrow page breaks the line between parts, not in them

/**
 * Return the line for the last reply whose times are all known, or "". `heardAt` and `askedAt` are in ms.
 * @type {(state: Pick<State, "order" | "items">) => string}
 */
export function describeLatency({ order, items }) {
  const item = order.map((id) => items[id]).findLast(isTimed);
  return item ? formatLatency(item.timing, item.heardAt - item.askedAt) : "";
}

/** @type {(item: TalkItem) => item is TalkItem & { timing: Timing, heardAt: number, askedAt: number }} */
function isTimed({ timing, heardAt, askedAt }) {
  return timing !== undefined && heardAt !== undefined && askedAt !== null;
}

/**
 * Return the line for one reply.
 *
 * `timing` has the ms after the endpoint for each step; a step ahead of the endpoint is negative and took none of the
 * wait. `totalMs` is by the page's own clock. What the server cannot account for is the way to the ear.
 * @type {(timing: Timing, totalMs: number) => string}
 */
function formatLatency(timing, totalMs) {
  /** @type {string[]} */
  const parts = [];
  let reached = 0;
  for (const [step, name] of PARTS.filter(([known]) => known in timing)) {
    parts.push(timing[step] < 0 ? describeAhead(name) : `${name} ${formatSeconds(timing[step] - reached)}`);
    reached = Math.max(reached, timing[step]);
  }
  const told = parts.filter((part, index) => part !== "" && part !== parts[index - 1]);
  const line = [`Answered in ${formatSeconds(totalMs)} s`, ...told, `network and player ${formatSeconds(totalMs - reached)}`];
  return line.map((part) => part.replaceAll(" ", NO_BREAK)).join(`${NO_BREAK}· `);
}

/**
 * Return what was ready before the endpoint: words from a streaming engine, or a preemptive reply.
 * @type {(name: string) => string}
 */
function describeAhead(name) {
  return name === "words" ? "" : "thought ahead";
}

/** @type {(ms: number) => string} */
function formatSeconds(ms) {
  return (Math.max(0, ms) / 1000).toFixed(2);
}
