/* The actions on a row or on the selected rows of a list. Without this script, “Run” without an action reloads the list,
 * and the selection is lost. It is also lost when an action is cancelled, or one has to log in first. Without a
 * connection, the browser would replace the list by its own page. */

import { attempt } from "./list_failure.js";
import { timeout } from "./timeout.js";

const SELECTION = "list-selection";

const form = document.getElementById("changelist-form");
// The button that was pressed while the server could be reached.
let confirmed;
if (form) {
  restoreSelection();
  form.addEventListener("submit", (event) => {
    const { submitter } = event;
    if (submitter?.name === "index" && !form.elements.action.reportValidity()) {
      event.preventDefault();
    } else if (submitter && submitter !== confirmed && !submitter.matches(".row-moves")) {
      event.preventDefault();
      submitIfReachable(submitter);
    } else if (!event.defaultPrevented) {
      keepSelection();
    }
  });
  keepFocus(".actions .question a", ".actions .clear a");
  keepFocus(".actions .clear a", "#action-toggle");
}

async function submitIfReachable(button) {
  if (!button.hasAttribute("aria-busy") && await attempt(button, isServerReachable)) {
    confirmed = button;
    form.requestSubmit(button);
    confirmed = undefined;
  }
}

async function isServerReachable() {
  try {
    return (await fetch("/healthz", { cache: "no-store", signal: timeout() })).status < 500 || null;
  } catch {
    return null;
  }
}

function keepSelection() {
  const rows = [...form.querySelectorAll(".action-select:checked")].map((box) => box.value);
  sessionStorage.setItem(SELECTION, JSON.stringify({ url: ownUrl(), rows, action: form.elements.action?.value }));
}

/* Select the rows again if the user comes back from the page of an action or from logging in, and nothing was done. */
function restoreSelection() {
  const kept = JSON.parse(sessionStorage.getItem(SELECTION));
  sessionStorage.removeItem(SELECTION);
  const from = document.referrer && new URL(document.referrer).pathname;
  const isBack = from && (from.startsWith(location.pathname) || from.includes("/login/"));
  if (kept?.url !== ownUrl() || !isBack || document.querySelector(".messagelist .success")) {
    return;
  }
  // Django's script counts the selected rows when the page is shown.
  for (const box of form.querySelectorAll(".action-select")) {
    box.checked = kept.rows.includes(box.value);
  }
  if (form.elements.action) {
    form.elements.action.value = kept.action;
  }
}

function ownUrl() {
  return location.pathname + location.search;
}

/* Move the focus to another control when the one that was used is hidden. */
function keepFocus(used, next) {
  for (const link of document.querySelectorAll(used)) {
    link.addEventListener("click", () => setTimeout(() => document.querySelector(next).focus()));
  }
}
