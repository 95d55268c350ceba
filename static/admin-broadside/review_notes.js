/* Notes beside the text, sent and shown without leaving it. Without this script, their buttons open a page in another
 * tab. Both send the same form, which is separate from that of the text. */

import { namesOf, read, remove, removeOnLogOut, store } from "./browser_copies.js";
import { timeout } from "./timeout.js";
import { closeSheet, openPanel } from "./writing.js";

let isStarted = false;
startOnce();
// A text has notes once it has been saved (editor/saving.js).
document.addEventListener("saved", startOnce);

function startOnce() {
  const form = document.getElementById("review-notes-form");
  const section = document.getElementById("review-section");
  if (form && section && !isStarted) {
    isStarted = true;
    start(form, section);
  }
}

function start(form, section) {
  const status = section.querySelector(".review-status");
  const error = section.querySelector(".review-new-error");
  const draft = section.querySelector("#id_note_text");
  const about = section.querySelector(".review-about");
  // A form that can't be changed has no field for the text.
  const source = document.querySelector("textarea#id_source");
  // The name of the copy of text that was typed and not sent.
  const name = `${namesOf(section.dataset.user)}${form.action}`;
  let inBrowser = true;
  let isSending = false;

  form.removeAttribute("target");
  if (about && source) {
    about.hidden = false;
    for (const type of ["click", "focus", "blur", "keyup", "input", "selectionchange"]) {
      source.addEventListener(type, showCursor);
    }
    showCursor();
  }
  showButtons();
  restore();
  document.querySelector(".writing-bar").addEventListener("click", (event) => {
    if (event.target.closest(".review-count")) {
      event.preventDefault();
      openPanel();
      section.open = true;
      section.querySelector("summary").focus();
    }
  });
  section.addEventListener("click", (event) => {
    const button = event.target.closest(".review-show");
    if (button) {
      showInText(button.dataset.paragraph);
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.submitter);
  });
  // Notes aren't part of the text, and aren't saved with it.
  for (const type of ["input", "change"]) {
    section.addEventListener(type, (event) => {
      event.stopPropagation();
      keep();
    });
  }
  removeOnLogOut(section.dataset.user);
  window.addEventListener("beforeunload", (event) => {
    if (typed().length && !inBrowser) {
      event.preventDefault();
    }
  });

  /* Return the fields that aren't empty. */
  function typed() {
    return [...section.querySelectorAll("textarea")].filter((field) => field.value.trim());
  }

  /* Keep a copy in this browser as long as there is something to send. */
  function keep() {
    const fields = typed().map((field) => [field.name, field.value]);
    if (fields.length === 0) {
      remove(name);
      return;
    }
    const isAboutParagraph = about?.querySelector("[value=paragraph]").checked;
    inBrowser = store(name, { fields, quote: isAboutParagraph ? about.querySelector("[name=quote]").value : "" });
  }

  /* Restore what was typed before the page was left. */
  function restore() {
    const copy = draft && read(name);
    if (!copy) {
      return;
    }
    for (const [fieldName, text] of copy.fields) {
      // The note to reply to may have been resolved or deleted.
      const field = section.querySelector(`textarea[name="${CSS.escape(fieldName)}"]`) ?? draft;
      field.value = [field.value, text].filter(Boolean).join("\n\n");
      field.closest("details").open = true;
    }
    section.open = true;
    const start = source && copy.quote ? source.value.indexOf(copy.quote) : -1;
    if (start >= 0) {
      source.setSelectionRange(start, start);
      showCursor();
      about.querySelector("[value=paragraph]").checked = true;
    }
    status.textContent = status.dataset.restored;
  }

  /* Return the paragraph with the caret; empty between two paragraphs. */
  function paragraphAtCursor() {
    const { value, selectionStart } = source;
    const before = value.slice(0, selectionStart).split(/\n[^\S\n]*\n/).at(-1);
    const after = value.slice(selectionStart).split(/\n[^\S\n]*\n/)[0];
    return (before + after).trim();
  }

  function showCursor() {
    const paragraph = paragraphAtCursor();
    const quote = about.querySelector(".review-cursor");
    quote.textContent = paragraph.length > 160 ? `${paragraph.slice(0, 160)}…` : paragraph;
    quote.hidden = !paragraph;
    const choice = about.querySelector("[value=paragraph]");
    choice.disabled = !paragraph;
    if (source.closest(".editor-panes").contains(document.activeElement) || choice.disabled) {
      choice.checked = Boolean(paragraph);
      about.querySelector("[value='']").checked = !paragraph;
    }
    about.querySelector("[name=quote]").value = paragraph;
  }

  function showInText(paragraph) {
    const start = source.value.indexOf(paragraph);
    if (start < 0) {
      status.textContent = status.dataset.moved;
      return;
    }
    closeSheet();
    // Focusing scrolls to the caret, not to the selection.
    source.setSelectionRange(start, start);
    source.blur();
    source.focus();
    source.setSelectionRange(start, start + paragraph.length);
  }

  function showButtons() {
    for (const button of section.querySelectorAll(".review-show")) {
      button.hidden = !source;
    }
  }

  async function send(button) {
    if (isSending) {
      return;
    }
    isSending = true;
    button.setAttribute("aria-busy", "true");
    status.textContent = error.textContent = "";
    const data = new FormData(form);
    data.set(button.name, button.value);
    if (data.get("about") !== "paragraph") {
      data.delete("quote");
    }
    try {
      const response = await fetch(form.action, { method: "POST", body: data, signal: timeout() });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const notes = page.getElementById("review-notes");
      if (response.ok && notes) {
        show(page, notes, button);
      } else {
        status.textContent = status.dataset.failed;
      }
    } catch {
      status.textContent = status.dataset.failed;
    } finally {
      isSending = false;
      button.removeAttribute("aria-busy");
    }
  }

  /* Show the updated notes, keeping what was typed into other fields in the meantime. */
  function show(page, notes, button) {
    const mistake = page.querySelector(".review-new-error").textContent.trim();
    const isDone = !page.querySelector("#review-notes .errorlist") && !mistake;
    const sent = button.name === "answer" ? `answer-${button.value}` : "";
    const others = [...section.querySelectorAll("#review-notes textarea")].filter((field) => field.name !== sent);
    const noteId = button.closest(".review-note")?.id;
    document.getElementById("review-notes").replaceWith(notes);
    // Replies to notes that have been resolved or deleted in the meantime.
    const left = [];
    for (const { name, value } of others.filter((field) => field.value)) {
      const field = notes.querySelector(`[name="${name}"]`);
      if (field) {
        field.value = value;
        field.closest("details").open = true;
      } else {
        left.push(value);
      }
    }
    showButtons();
    const count = document.querySelector(".review-count");
    count.textContent = notes.dataset.label;
    count.hidden = !notes.dataset.label;
    error.textContent = mistake;
    status.textContent = page.querySelector(".messagelist")?.textContent.trim() ?? "";
    if (button.name === "add" && isDone) {
      draft.value = "";
    }
    if (left.length && draft) {
      draft.value = [draft.value, ...left].filter(Boolean).join("\n\n");
      draft.closest("details").open = true;
      status.textContent = status.dataset.restored;
    }
    if (button.name === "add") {
      draft.focus();
    } else if (isDone) {
      // The button is gone, and the resolved note is collapsed.
      const note = document.getElementById(noteId);
      const target = note && !note.closest("details:not([open])") ? note : section.querySelector("summary");
      target.focus();
    } else {
      notes.querySelector(`[name="${sent}"]`)?.focus();
    }
    keep();
  }
}
