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

  async function add(files) {
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

  function insert(code) {
    const start = editor.selectionStart;
    editor.focus();
    // Only this deprecated command leaves an entry in the browser's undo history.
    if (!document.execCommand("insertText", false, code)) {
      editor.setRangeText(code, start, editor.selectionEnd, "end");
      editor.dispatchEvent(new Event("input", { bubbles: true }));
    }
    // Put the caret where the description belongs: ![here](…) or alt="here".
    const caret = start + (code.startsWith("![") ? 2 : code.indexOf('alt="') + 5);
    editor.setSelectionRange(caret, caret);
  }
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
