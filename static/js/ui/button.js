/**
 * Return a small button that stands beside a message.
 * @type {(label: string, onClick: () => void, isPrimary?: boolean) => HTMLButtonElement}
 */
export function buildButton(label, onClick, isPrimary = false) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = isPrimary ? "button primary small" : "button small";
  element.textContent = label;
  element.addEventListener("click", onClick);
  return element;
}
