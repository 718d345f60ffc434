// A button with data-copy="id" copies the value of that field, and says so beside itself.

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-copy]"))) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copy ?? ""));
  const status = /** @type {HTMLElement} */ (button.parentElement?.querySelector("[data-copied]"));
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      status.textContent = "Copied.";
    } catch {
      // Refused, or no clipboard at all on a page without TLS: leave it selected for the keyboard.
      field.select();
      status.textContent = "Press Ctrl+C or ⌘C to copy.";
    }
  });
}
