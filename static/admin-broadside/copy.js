/* Buttons that copy the field or link before them, where the browser allows it: over HTTPS and on localhost. */

for (const button of document.querySelectorAll("button.copy")) {
  const source = button.previousElementSibling;
  const status = button.nextElementSibling;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    source.select?.();
    await navigator.clipboard.writeText(source.value ?? source.href);
    status.textContent = button.dataset.copied;
  });
}
