/* The editor for Markdown and HTML. Without this script it is a plain text area. */

import { dialogFrom } from "./editor/dialogs.js";
import { addFocusMode } from "./editor/focus.js";
import { isMarkdown } from "./editor/formatting.js";
import { continueLists } from "./editor/lists.js";
import { followText } from "./editor/preview.js";
import { addToolbar, keysOf } from "./editor/toolbar.js";
import { takeFiles } from "./editor/uploads.js";

for (const box of document.querySelectorAll(".editor")) {
  enhance(box);
}

function enhance(box) {
  const field = box.querySelector("textarea");
  const chooser = box.querySelector(".editor-file");
  const add = takeFiles(box, field);

  box.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      add(event.clipboardData.files);
    }
  });
  addToolbar(box, field, {
    image: () => chooser.click(),
    document: () => chooser.click(),
    focus: addFocusMode(box, field),
    shortcuts: () => showShortcuts(box),
  });
  if (isMarkdown(field)) {
    continueLists(field);
  }
  followText(box, field);
  guard(field.form);
}

let shortcuts = null;

function showShortcuts(box) {
  if (!shortcuts) {
    shortcuts = dialogFrom(box, "editor-shortcuts");
    for (const key of shortcuts.querySelectorAll("kbd[data-keys]")) {
      key.textContent = keysOf(key);
    }
  }
  shortcuts.showModal();
}

/* Ask before leaving a page with unsaved text, and submit a form only once, however often the button is pressed. */
function guard(form) {
  let hasUnsavedText = document.querySelector(".errornote") !== null;
  let isSubmitted = false;
  form.addEventListener("input", () => {
    hasUnsavedText = true;
  });
  form.addEventListener("submit", (event) => {
    if (isSubmitted) {
      event.preventDefault();
    }
    isSubmitted = true;
  });
  window.addEventListener("pageshow", () => {
    isSubmitted = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (hasUnsavedText && !isSubmitted) {
      event.preventDefault();
    }
  });
}
