/* The editor for Markdown and HTML. Without this script it is a plain text area. */

import { dialogFrom, openDialog } from "./editor/dialogs.js";
import { addFeaturedImage } from "./editor/featured.js";
import { addFocusMode } from "./editor/focus.js";
import { isMarkdown } from "./editor/formatting.js";
import { addLinks } from "./editor/links.js";
import { continueLists } from "./editor/lists.js";
import { addMedia } from "./editor/media.js";
import { convertPastes } from "./editor/paste.js";
import { followText } from "./editor/preview.js";
import { addSlashMenu } from "./editor/slash_menu.js";
import { sourceMode } from "./editor/source_mode.js";
import { addToolbar, keysOf } from "./editor/toolbar.js";
import { takeFiles } from "./editor/uploads.js";
import { offerVisualMode } from "./editor/visual_mode.js";

for (const box of document.querySelectorAll(".editor")) {
  enhance(box);
}

function enhance(box) {
  const field = box.querySelector("textarea");
  // In which of them people write at the moment.
  const modes = { current: sourceMode(field) };
  const add = takeFiles(box, field, modes);
  const chooseMedia = addMedia(box, field, modes);
  const run = addToolbar(box, field, modes, {
    link: addLinks(box, field, modes),
    image: () => chooseMedia("picture"),
    document: () => chooseMedia("document"),
    focus: addFocusMode(box, field),
    shortcuts: () => showShortcuts(box, modes),
  });
  addSlashMenu(box, field, run);
  if (isMarkdown(field)) {
    continueLists(field);
    offerVisualMode(box, field, modes, add);
  }
  convertPastes(field, add);
  followText(box, field);
  addFeaturedImage(box, field, modes);
  guard(field.form);
}

let shortcuts = null;

function showShortcuts(box, modes) {
  if (!shortcuts) {
    shortcuts = dialogFrom(box, "editor-shortcuts");
    for (const key of shortcuts.querySelectorAll("kbd[data-keys]")) {
      key.textContent = keysOf(key);
    }
  }
  openDialog(shortcuts, modes.current);
}

/* Ask before leaving a page with unsaved text, and submit a form only once, however often the button is pressed. */
function guard(form) {
  let hasUnsavedText = document.querySelector(".errornote") !== null;
  let isSubmitted = false;
  form.addEventListener("input", () => {
    hasUnsavedText = true;
  });
  form.addEventListener("submit", (event) => {
    // A preview opens in another tab, and saves nothing.
    if (event.submitter?.formTarget) {
      return;
    }
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
