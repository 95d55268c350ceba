/* Sends a form once, however often its button or Enter is pressed before the response arrives. */

const AGAIN = 8_000; // milliseconds after which it can be sent again, because nothing has happened

// Safari before 16 has no such method.
HTMLFormElement.prototype.requestSubmit ??= function requestSubmit(button) {
  (button ?? this.querySelector("[type=submit], button:not([type])")).click();
};

// The buttons that were pressed. Enter presses the first one.
const pressed = new Set();

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  // Scripts send some forms themselves, and what opens in another tab leaves this page as it is.
  if (event.defaultPrevented || form.method !== "post" || form.target || submitter?.formTarget) {
    return;
  }
  const button = submitter ?? form;
  if (pressed.has(button)) {
    event.preventDefault();
  }
  pressed.add(button);
  setTimeout(() => pressed.delete(button), AGAIN);
});
window.addEventListener("pageshow", () => pressed.clear());
