/** What went wrong, in words for the user. */

/** @type {(problem: unknown) => Notice} */
export function asNotice(problem) {
  if (isNotice(problem)) return problem;
  return { tone: "error", text: "Sound could not start. Reload the page, or try another browser.", action: "again" };
}

/**
 * Return whether the value is a notice to show, unlike what browsers throw.
 * @type {(problem: unknown) => problem is Notice}
 */
export function isNotice(problem) {
  return typeof problem === "object" && problem !== null && "tone" in problem;
}
