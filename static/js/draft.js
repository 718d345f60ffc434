/** What was written and not sent when the page went away: a reload brings it back into the box. */

const NAME = "unsent";

export function keepDraft(texts) {
  try {
    sessionStorage.setItem(NAME, texts.filter(Boolean).join(" "));
  } catch {
    // storage is switched off: the question before leaving was all that could be done
  }
}

/** Once; "" after anything but a reload, since then somebody else may sit here. */
export function takeDraft() {
  try {
    const draft = sessionStorage.getItem(NAME) ?? "";
    sessionStorage.removeItem(NAME);
    return performance.getEntriesByType("navigation")[0]?.type === "reload" ? draft : "";
  } catch {
    return "";
  }
}
