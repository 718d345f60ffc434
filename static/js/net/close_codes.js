/**
 * Why a connection ended, and what to do then: by the code of the server's last error, else by the socket's close code.
 * Pure.
 *
 * `way` is one of: "ended" (as wished), "now" (connect again at once), "retry" (connect again, each time later), "wait"
 * (the server has no room: wait longer, and show it), "gone" (the conversation does not exist any more) and "over"
 * (connecting again would only fail again). `label` and `notice` are what the page says; without them it repeats the
 * server's own words.
 */

/** @type {CloseWay} */
const OVER = { way: "over" };
const SIGNED_OUT = "Sign in to continue this conversation.";
const TAKEN_OVER = "This conversation continues in another tab or on another device.";
const DELETED = "This conversation was deleted. What you say next starts a new one.";
const LOST = "The server was interrupted. The conversation continues in a moment.";
const RESTARTING = "The server is restarting. The conversation continues in a moment.";

/** @type {{ [code: string]: CloseWay }} */
const BY_ERROR = {
  invalid_api_key: { ...OVER, label: "You are signed out", notice: { tone: "error", text: SIGNED_OUT, action: "sign-in" } },
  conversation_taken_over: { ...OVER, label: "Continued elsewhere", notice: { tone: "info", text: TAKEN_OVER, action: "continue" } },
  conversation_deleted: { way: "gone", label: "The conversation is gone", notice: { tone: "error", text: DELETED } },
  not_found: { way: "gone", label: "The conversation is gone", notice: { tone: "error", text: DELETED } },
  session_expired: { way: "now" },
  storage_unavailable: { way: "wait", label: "The server is not ready" },
  server_restarting: { way: "retry", notice: { tone: "info", text: RESTARTING } },
  server_lost: { way: "retry", notice: { tone: "info", text: LOST } },
  insufficient_quota: OVER,
  account_deactivated: OVER,
  billing_hard_limit_reached: OVER,
  credit_balance_exhausted: OVER,
};
/** @type {{ [code: number]: CloseWay }} */
const BY_CLOSE = {
  1000: { way: "ended" },
  1008: OVER,
  1012: BY_ERROR.server_restarting,
  1013: { way: "wait" },
};

/**
 * Return {way, label, notice}. `refusal` is the code of the server's last error, or null.
 * @type {(refusal: string | null, closeCode: number) => CloseWay}
 */
export function explainClose(refusal, closeCode) {
  if (closeCode === 1000) return BY_CLOSE[1000];
  if (closeCode >= 4000) return OVER;
  return BY_ERROR[refusal ?? ""] ?? BY_CLOSE[closeCode] ?? { way: "retry" };
}
