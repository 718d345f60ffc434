/** What went wrong, as a person is told it. */

/** @type {(problem: unknown) => Notice} */
export function asNotice(problem) {
  if (isNotice(problem)) return problem;
  return { tone: "error", text: "Sound could not start. Reload the page, or try another browser.", action: "again" };
}

/**
 * Whether it is made to be shown; what browsers throw is not.
 * @type {(problem: unknown) => problem is Notice}
 */
export function isNotice(problem) {
  return typeof problem === "object" && problem !== null && "tone" in problem;
}
