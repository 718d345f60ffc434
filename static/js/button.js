/** A small button beside something that is said. */
export function button(label, onClick) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button small";
  element.textContent = label;
  element.addEventListener("click", onClick);
  return element;
}
