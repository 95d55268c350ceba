/* Buttons that copy the field before them, where the browser allows it: over HTTPS and on localhost. */

for (const button of document.querySelectorAll("button.copy")) {
  const field = button.previousElementSibling;
  const status = button.nextElementSibling;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    field.select();
    await navigator.clipboard.writeText(field.value);
    status.textContent = button.dataset.copied;
  });
}
