/* The actions on a row or on the selected rows of a list. Without this script, “Run” without an action reloads the list,
 * and the selection is lost. It is also lost when an action is cancelled, or one has to log in first. */

import { whenSent } from "./sending.js";

const SELECTION = "list-selection";

const form = document.getElementById("changelist-form");
if (form) {
  restoreSelection();
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "index" && !form.elements.action.reportValidity()) {
      event.preventDefault();
    }
  });
  whenSent(form, keepSelection);
  keepFocus(".actions .question a", ".actions .clear a");
  keepFocus(".actions .clear a", "#action-toggle");
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
