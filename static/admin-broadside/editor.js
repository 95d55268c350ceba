/* What the Markdown editor can do beyond its live preview: take pictures from a button, a drop or the clipboard,
 * and keep what is typed from getting lost. Without this script it is a text area. */

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
  // Caught on the way down, before the editor's own script: that one writes "Invalid response" into the text
  // when something goes wrong, and keeps the Tab key from leaving the field.
  for (const [kind, source] of [["drop", "dataTransfer"], ["paste", "clipboardData"]]) {
    box.addEventListener(kind, (event) => {
      if (event[source]?.files.length) {
        event.preventDefault();
        event.stopPropagation();
        add(event[source].files);
      }
    }, true);
  }
  box.addEventListener("keydown", (event) => event.stopPropagation(), true);
  // The editor's own script shows whatever the server answers, be it a whole page that says "Error".
  box.addEventListener("markdownx.update", (event) => {
    if (/<html/i.test(event.detail[0])) {
      preview.textContent = preview.dataset.failed;
    }
  });
  guard(editor.form);

  async function add(files) {
    status.textContent = status.dataset.uploading;
    const codes = [];
    const faults = [];
    for (const file of files) {
      const answer = await upload(file);
      (answer.image_code ? codes : faults).push(answer.image_code ?? answer.error);
    }
    if (codes.length) {
      insert(codes.join("\n\n"));
    }
    status.textContent = faults[0] ?? status.dataset.added;
    status.classList.toggle("editor-fault", faults.length > 0);
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
    // The old command is the only one that the browser can undo.
    if (!document.execCommand("insertText", false, code)) {
      editor.setRangeText(code, start, editor.selectionEnd, "end");
      editor.dispatchEvent(new Event("input", { bubbles: true }));
    }
    // Where the description belongs: ![here](…) or alt="here".
    const caret = start + (code.startsWith("![") ? 2 : code.indexOf('alt="') + 5);
    editor.setSelectionRange(caret, caret);
  }
}

/* Ask before a page with unsaved words is left; send a form once, however often the button is pressed. */
function guard(form) {
  let unsaved = document.querySelector(".errornote") !== null;
  let sent = false;
  form.addEventListener("input", () => {
    unsaved = true;
  });
  form.addEventListener("submit", (event) => {
    if (sent) {
      event.preventDefault();
    }
    sent = true;
  });
  window.addEventListener("pageshow", () => {
    sent = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved && !sent) {
      event.preventDefault();
    }
  });
}
