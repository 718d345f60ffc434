/** The small steps that the reducer is made of: pure changes of a state, and the effect of sending. */

/** @type {(event: ClientEvent) => SendEffect} */
export function send(event) {
  return { do: "send", event };
}

/** @type {(state: State, about: string, notice: Notice | null | undefined) => State} */
export function withNotice(state, about, notice) {
  const { [about]: _old, ...others } = state.notices;
  return { ...state, notices: notice ? { ...others, [about]: notice } : others };
}

/**
 * Return the state with the item added after `previous`, or at the end; an item that is there already is merged with
 * it.
 * @type {(state: State, item: ItemChange, previous?: string | null) => State}
 */
export function withItem(state, item, previous) {
  const whole = /** @type {TalkItem} */ ({ ...state.items[item.id], ...item });
  const items = { ...state.items, [item.id]: whole };
  if (state.items[item.id]) return { ...state, items };
  const at = state.order.indexOf(previous ?? "") + 1 || state.order.length;
  return { ...state, items, order: [...state.order.slice(0, at), item.id, ...state.order.slice(at)] };
}

/** @type {(state: State, id: string) => State} */
export function withoutItem(state, id) {
  const { [id]: _gone, ...items } = state.items;
  return { ...state, items, order: state.order.filter((other) => other !== id) };
}
