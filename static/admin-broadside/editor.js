/* The editor for Markdown and HTML. Without this script it is a plain text area. */

import { dialogFrom, openDialog } from "./editor/dialogs.js";
import { addFeaturedImage } from "./editor/featured.js";
import { addFocusMode } from "./editor/focus.js";
import { isMarkdown } from "./editor/formatting.js";
import { addLinks } from "./editor/links.js";
import { continueLists } from "./editor/lists.js";
import { addMedia } from "./editor/media.js";
import { convertPastes } from "./editor/paste.js";
import { keepPlace } from "./editor/place.js";
import { followText } from "./editor/preview.js";
import { prepareToLeave, saveInPlace, savesInPlace, showMessages } from "./editor/saving.js";
import { addSlashMenu } from "./editor/slash_menu.js";
import { sourceMode } from "./editor/source_mode.js";
import { addToolbar, keysOf } from "./editor/toolbar.js";
import { takeFiles, Uploads } from "./editor/uploads.js";
import { offerVisualMode } from "./editor/visual_mode.js";
import { send } from "./sending.js";

const AGAIN = 8_000; // milliseconds after which a form can be submitted again, because nothing has happened

for (const box of document.querySelectorAll(".editor")) {
  enhance(box);
}
showMessages();

function enhance(box) {
  const field = box.querySelector("textarea");
  // `current` is the mode in use.
  const modes = { current: sourceMode(field) };
  const uploads = new Uploads();
  const files = takeFiles(box, field, modes, uploads);
  const chooseMedia = addMedia(box, field, modes);
  const run = addToolbar(box, field, modes, {
    link: addLinks(box, field, modes),
    image: () => chooseMedia("picture"),
    document: () => chooseMedia("document"),
    focus: addFocusMode(box, field),
    shortcuts: () => showShortcuts(box, modes),
  });
  addSlashMenu(box, field, run);
  let isShown = Promise.resolve();
  if (isMarkdown(field)) {
    continueLists(field);
    isShown = offerVisualMode(box, field, modes, files, run);
  }
  convertPastes(field, files);
  followText(box, field);
  addFeaturedImage(box, field, uploads);
  guard(field.form, uploads, box.querySelector(".editor-status"));
  keepPlace(box, field, isShown);
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

/* Ask before leaving a page with unsaved text. Submit a form only once, however often the button is pressed, and only
 * when all its files have been uploaded. */
function guard(form, uploads, status) {
  let hasUnsavedText = document.querySelector(".errornote, .conflict, [data-is-submitted='1']") !== null;
  let isSubmitted = false;
  let isLeaving = false;
  // While files are uploaded: the button that was pressed last, and how it gets its label back.
  let waiting = null;
  let timer = 0;
  let takeBack = () => {};
  form.addEventListener("input", () => {
    hasUnsavedText = true;
  });
  form.addEventListener("saved", (event) => {
    hasUnsavedText = !event.detail.isComplete;
  });
  form.addEventListener("submit", (event) => {
    // A preview opens in another tab and saves nothing.
    if (event.submitter?.formTarget || isLeaving) {
      return;
    }
    event.preventDefault();
    if (uploads.areRunning) {
      submitLater(event.submitter);
    } else if (!isSubmitted) {
      isSubmitted = true;
      takeBack = relabel(event.submitter, status.dataset.saving);
      save(event.submitter);
    }
  });
  window.addEventListener("pageshow", reset);
  window.addEventListener("beforeunload", (event) => {
    if ((hasUnsavedText || uploads.areRunning) && !isSubmitted) {
      event.preventDefault();
    }
  });

  async function save(button) {
    if (savesInPlace(button) ? await saveInPlace(form, button) : await leave(button)) {
      resetLater();
    } else {
      reset();
    }
  }

  /* Let the browser submit the form if it can, and return whether it does. */
  async function leave(button) {
    if (!(await prepareToLeave(form))) {
      return false;
    }
    isLeaving = true;
    send(form, button);
    isLeaving = false;
    return true;
  }

  /* Reset the form in case the connection is lost, or the user stops loading the page. */
  function resetLater() {
    timer = setTimeout(reset, AGAIN);
  }

  function reset() {
    clearTimeout(timer);
    isSubmitted = false;
    takeBack();
    takeBack = () => {};
    form.dispatchEvent(new Event("stayed"));
  }

  /* Submit after all uploads, as the button that was pressed last does. If one fails, nothing is submitted, so that its
   * error can be seen. */
  async function submitLater(button) {
    const isFirst = waiting === null;
    waiting?.restore();
    waiting = { button, restore: relabel(button, status.dataset.uploading) };
    if (!isFirst) {
      return;
    }
    const areStored = await uploads.finish();
    const last = waiting;
    waiting = null;
    last.restore();
    if (areStored) {
      form.requestSubmit(last.button);
    } else {
      status.textContent = status.dataset.unsaved;
    }
  }
}

/* Show `text` on a button that has a text, and return a function that restores the old text. */
function relabel(button, text) {
  const label = button?.textContent;
  if (!label?.trim()) {
    return () => {};
  }
  button.textContent = text;
  return () => {
    button.textContent = label;
  };
}
