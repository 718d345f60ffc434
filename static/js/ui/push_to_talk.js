/** Push-to-talk by finger, mouse, keyboard and screen reader. It calls `onHold()` and `onLetGo()`. */

const OWN_KEYS = "input:not([type=checkbox]), textarea, select, button, a, summary, [contenteditable]";

/** @type {(button: HTMLButtonElement, isOn: () => boolean, onHold: () => void, onLetGo: () => void) => void} */
export function pushToTalk(button, isOn, onHold, onLetGo) {
  let byKey = false;
  let byPointer = false;
  let toggled = false;

  function toggle() {
    toggled = !toggled;
    if (toggled) onHold();
    else onLetGo();
  }

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId); // a finger may slide off while it holds
    byPointer = true;
    onHold();
  });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
    button.addEventListener(type, () => onLetGo());
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press asks for it on phones
  button.addEventListener("click", () => {
    // A screen reader clicks without a pointer or a key: then the button toggles.
    if (!byPointer && !byKey) toggle();
    byPointer = false;
  });

  document.addEventListener("keydown", (event) => {
    if (!isOn() || !isPush(event, button)) return;
    event.preventDefault();
    if (event.repeat) return;
    byKey = true;
    onHold();
  });
  document.addEventListener("keyup", (event) => {
    if (!byKey || ![" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    byKey = false;
    onLetGo();
  });
  window.addEventListener("blur", () => onLetGo());
}

/**
 * Return whether the key is the space bar and the element in focus has no use for it; on the button itself also Enter.
 * @type {(event: KeyboardEvent, button: HTMLButtonElement) => boolean}
 */
function isPush({ key, target }, button) {
  if (target === button) return key === " " || key === "Enter";
  return key === " " && !/** @type {Element} */ (target).closest(OWN_KEYS);
}
