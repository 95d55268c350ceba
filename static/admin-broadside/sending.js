/* Sends a form once, however often its button or Enter is pressed before the response arrives, and not without a
 * connection: the browser would replace the page, with what was typed, by its own page. */

import { attempt } from "./failure.js";
import { timeout } from "./timeout.js";

const AGAIN = 8_000; // milliseconds after which it can be sent again, because nothing has happened

// Safari before 16 has no such method.
HTMLFormElement.prototype.requestSubmit ??= function requestSubmit(button) {
  (button ?? this.querySelector("[type=submit], button:not([type])")).click();
};

// The buttons that were pressed. Enter presses the first one.
const pressed = new Set();
let isConfirmed = false;

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  // Scripts send some forms themselves, and what opens in another tab leaves this page as it is.
  if (isConfirmed || event.defaultPrevented || form.method !== "post" || form.target || submitter?.formTarget) {
    return;
  }
  const button = submitter ?? form;
  if (pressed.has(button)) {
    event.preventDefault();
    return;
  }
  pressed.add(button);
  if (navigator.onLine) {
    setTimeout(() => pressed.delete(button), AGAIN);
  } else {
    event.preventDefault();
    sendIfReachable(form, submitter, button);
  }
});
window.addEventListener("pageshow", () => pressed.clear());

/** Send a form although the browser believes it is offline: the server may be on the same machine or network. */
async function sendIfReachable(form, submitter, button) {
  const isReachable = await attempt(button, isServerReachable);
  if (isReachable) {
    send(form, submitter);
  }
  setTimeout(() => pressed.delete(button), isReachable ? AGAIN : 0);
}

async function isServerReachable() {
  try {
    return (await fetch("/healthz", { cache: "no-store", signal: timeout() })).status < 500;
  } catch {
    return false;
  }
}

/** Submit a form, knowing that the server can be reached. */
export function send(form, submitter) {
  isConfirmed = true;
  form.requestSubmit(submitter);
  isConfirmed = false;
}

/** Call `action` whenever `form` is sent, and the browser leaves the page. */
export function whenSent(form, action) {
  document.addEventListener("submit", (event) => {
    if (event.target === form && !event.defaultPrevented) {
      action();
    }
  });
}
