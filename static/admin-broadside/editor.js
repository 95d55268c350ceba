/* What the editor can do besides its live preview: take images from a button, a drop or the clipboard, and keep
 * unsaved text from getting lost. Without this script it is a plain text area. */

for (const box of document.querySelectorAll(".editor")) {
  enhance(box);
}

function enhance(box) {
  const editor = box.querySelector("textarea");
  const button = box.querySelector(".editor-add");
  const chooser = box.querySelector(".editor-file");
  const preview = box.querySelector(".editor-preview");
  const status = box.querySelector(".editor-status");

  button.hidden = false;
  button.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    add(chooser.files);
    chooser.value = "";
  });
  // Events are caught in the capture phase, before markdownx's own script. That script writes "Invalid response"
  // into the text when something goes wrong, and keeps the Tab key from leaving the field.
  for (const [type, source] of [["drop", "dataTransfer"], ["paste", "clipboardData"]]) {
    box.addEventListener(type, (event) => {
      if (event[source]?.files.length) {
        event.preventDefault();
        event.stopPropagation();
        add(event[source].files);
      }
    }, true);
  }
  box.addEventListener("keydown", (event) => event.stopPropagation(), true);
  // The editor's own script shows any response of the server, even a whole error page.
  box.addEventListener("markdownx.update", (event) => {
    if (/<html/i.test(event.detail[0])) {
      preview.textContent = preview.dataset.failed;
    }
  });
  guard(editor.form);

  // Uploads wait for each other, so that images stay in the order in which they were added.
  let added = Promise.resolve();

  function add(files) {
    // A copy, because the browser empties the list after the event.
    const copied = [...files];
    added = added.then(() => uploadAll(copied));
  }

  async function uploadAll(files) {
    status.textContent = status.dataset.uploading;
    const codes = [];
    const errors = [];
    for (const file of files) {
      const result = await upload(file);
      (result.image_code ? codes : errors).push(result.image_code ?? result.error);
    }
    if (codes.length) {
      insert(codes.join("\n\n"));
    }
    status.textContent = errors[0] ?? status.dataset.added;
    status.classList.toggle("editor-error", errors.length > 0);
  }

  async function upload(file) {
    if (file.size > Number(editor.dataset.maxBytes)) {
      return { error: status.dataset.tooLarge };
    }
    const body = new FormData();
    body.append("csrfmiddlewaretoken", editor.form.elements.csrfmiddlewaretoken.value);
    body.append("image", file);
    try {
      const response = await fetch(editor.dataset.markdownxUploadUrlsPath, { method: "POST", body });
      return await response.json();
    } catch {
      return { error: status.dataset.failed };
    }
  }

  /** Insert `code` where the caret is, as paragraphs of their own. What is selected stays. */
  function insert(code) {
    const place = afterImage(editor.value, editor.selectionEnd);
    const before = editor.value.slice(0, place);
    const after = editor.value.slice(place);
    const start = before.trim() ? "\n".repeat(Math.max(0, 2 - lineBreaks(before.match(/[ \t\n]*$/)[0]))) : "";
    const end = after.trim() ? "\n".repeat(Math.max(0, 2 - lineBreaks(after.match(/^[ \t\n]*/)[0]))) : "";
    editor.focus();
    editor.setSelectionRange(place, place);
    // Only this deprecated command leaves an entry in the browser's undo history.
    if (!document.execCommand("insertText", false, start + code + end)) {
      editor.setRangeText(start + code + end, place, place, "end");
      editor.dispatchEvent(new Event("input", { bubbles: true }));
    }
    // Put the caret where the description belongs: ![here](…) or alt="here".
    const caret = place + start.length + (code.startsWith("![") ? 2 : code.indexOf('alt="') + 5);
    editor.setSelectionRange(caret, caret);
  }
}

function lineBreaks(space) {
  return space.split("\n").length - 1;
}

/** Return `place`, or the end of the image in whose code it is, and of the images that follow it directly.
 *
 * The caret is in the description of the first of them after several were added.
 */
function afterImage(text, place) {
  const image = /(?:!\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|<img\b[^>\n]*>)/g;
  const others = new RegExp(`(?:\\s*${image.source})*`, "y");
  // An image is on one line.
  image.lastIndex = text.lastIndexOf("\n", place - 1) + 1;
  for (let found = image.exec(text); found && found.index < place; found = image.exec(text)) {
    if (place < image.lastIndex) {
      others.lastIndex = image.lastIndex;
      others.exec(text);
      return others.lastIndex;
    }
  }
  return place;
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
