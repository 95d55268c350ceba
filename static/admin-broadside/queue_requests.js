/* Requests of the moderation queue, also after its user has logged in again in another window. */

import { timeout } from "./timeout.js";

/* The user has been logged out, or someone else is logged in now. */
export class LoggedOutError extends Error {}

export function get(url) {
  return fetch(url, { signal: timeout() });
}

/* Post fields with the CSRF token of the form, and return the response. */
export async function post(form, url, fields) {
  let response = await send(form, url, fields);
  if (response.status === 403 || response.redirected) {
    await logBackIn(form);
    response = await send(form, url, fields);
  }
  if (!response.ok || response.redirected) {
    throw new Error(response.statusText);
  }
  return response.json();
}

function send(form, url, fields) {
  const body = new URLSearchParams(fields);
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  return fetch(url, { method: "POST", headers: { Accept: "application/json" }, body, signal: timeout() });
}

/* Take the CSRF token of the present session: each log-in changes it, for example one in another window. */
async function logBackIn(form) {
  const response = await get(location.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("queue-form");
  // Nothing is decided in the name of someone else.
  if (fresh?.dataset.user !== form.dataset.user) {
    throw new LoggedOutError();
  }
  form.elements.csrfmiddlewaretoken.value = fresh.elements.csrfmiddlewaretoken.value;
}
