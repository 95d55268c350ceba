/* Dialogs, created from a template of the editor when they are first needed. */

import { timeout } from "../timeout.js";

const SEARCH_DELAY = 250; // milliseconds after the last key

/** Return the dialog in the template with this class. It is outside the form, so that nothing in it is submitted.
 *
 * `done` is called when the dialog's own form has been submitted and it is closed, which returns the focus to the text.
 */
export function dialogFrom(box, className, done = () => {}) {
  const dialog = box.querySelector(`template.${className}`).content.cloneNode(true).querySelector("dialog");
  document.body.append(dialog);
  for (const button of dialog.querySelectorAll(".dialog-close")) {
    button.addEventListener("click", () => dialog.close());
  }
  let isSubmitted = false;
  dialog.addEventListener("submit", () => {
    isSubmitted = true;
  });
  dialog.addEventListener("close", () => {
    if (isSubmitted) {
      isSubmitted = false;
      done();
    }
  });
  return dialog;
}

/** Show a dialog. When it is closed, the caret or selection in the text is restored before `done` is called, if it was
 * opened from the text, whose `mode` this is. */
export function openDialog(dialog, mode) {
  if (mode) {
    // Browsers return the focus, but put the caret at the beginning.
    dialog.addEventListener("close", mode.keepSelection(), { capture: true, once: true });
  }
  dialog.showModal();
}

/** Search for the text in `input` as it is typed, and pass each response to `show`, or null if there is none.
 *
 * Return a function that starts another search. `urlOf` returns the URL for a query, or an empty string.
 */
export function searchWhileTyping(input, urlOf, show) {
  let timer = 0;
  let request = null;

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, SEARCH_DELAY);
  });
  return search;

  async function search() {
    clearTimeout(timer);
    request?.abort();
    const own = new AbortController();
    request = own;
    const url = urlOf(input.value.trim());
    if (!url) {
      return;
    }
    try {
      const response = await fetch(url, { signal: timeout(own) });
      show(response.ok ? await response.json() : null);
    } catch {
      // Unless it was replaced by another search.
      if (own === request) {
        show(null);
      }
    }
  }
}

/** Show the number of results in the `status` of a dialog. */
export function showCount(status, count) {
  const text = count === null ? status.dataset.failed : count ? status.dataset.found : status.dataset.none;
  status.textContent = text.replace("{count}", String(count));
}

/** Let the arrow keys move from `input` through the buttons of a `list` and back. */
export function moveWithArrows(input, list) {
  for (const element of [input, list]) {
    element.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const stops = [input, ...list.querySelectorAll("button")];
      const next = stops[stops.indexOf(document.activeElement) + step];
      if (step && next) {
        event.preventDefault();
        next.focus();
      }
    });
  }
}
