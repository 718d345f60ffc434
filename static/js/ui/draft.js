/** Keep what was written and not sent when the page is closed: the same user finds it again, in the same tab. */

const NAME = "unsent";

/** @type {(person: string | undefined, texts: string[]) => void} */
export function keepDraft(person, texts) {
  try {
    sessionStorage.setItem(NAME, JSON.stringify({ person, text: texts.filter(Boolean).join(" ") }));
  } catch {
    // storage is switched off: the question before leaving was all that could be done
  }
}

/**
 * Return the draft once; "" if there is none.
 * @type {(person: string | undefined) => string}
 */
export function takeDraft(person) {
  try {
    const draft = JSON.parse(sessionStorage.getItem(NAME) ?? "null");
    sessionStorage.removeItem(NAME);
    return draft?.person === person ? draft.text : "";
  } catch {
    return "";
  }
}
