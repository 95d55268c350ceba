/* Uploads many files one after the other, each with its progress. Without this script, there is a plain form.
 *
 * In the form of an image, it offers the alternative texts that posts have for it. In the grid, it selects all images
 * and counts the selected ones, which Django's script does only in tables. */

for (const form of document.querySelectorAll(".media-upload")) {
  enhance(form);
}

const alt = document.querySelector("#id_alt");
for (const button of alt ? document.querySelectorAll(".media-use-text") : []) {
  button.hidden = false;
  button.addEventListener("click", () => {
    alt.value = button.previousElementSibling.textContent;
    alt.focus();
  });
}

const selectAll = document.querySelector(".media-select-all");
if (selectAll) {
  const counter = document.querySelector(".action-counter");
  const boxes = [...document.querySelectorAll(".media-grid .action-select")];
  const all = selectAll.querySelector("input");
  const count = () => {
    const sel = boxes.filter((box) => box.checked).length;
    const text = ngettext("%(sel)s of %(cnt)s selected", "%(sel)s of %(cnt)s selected", sel);
    counter.textContent = interpolate(text, { sel, cnt: boxes.length }, true);
    all.checked = sel === boxes.length;
  };
  counter.closest(".actions").prepend(selectAll);
  selectAll.hidden = false;
  all.addEventListener("change", () => boxes.forEach((box) => {
    box.checked = all.checked;
  }));
  document.querySelector("#changelist-form").addEventListener("change", count);
  // The browser restores the selection when the user returns to the page.
  window.addEventListener("pageshow", count);
}

function enhance(form) {
  const chooser = form.querySelector("input[type=file]");
  const list = form.querySelector(".media-progress");
  const status = form.querySelector(".media-status");
  const waiting = [];
  let isUploading = false;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    // The second click of a double click would send the same files.
    if (!isUploading) {
      uploadAll([...chooser.files]);
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (isUploading) {
      event.preventDefault();
    }
  });
  form.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) {
      event.preventDefault();
      form.classList.add("is-over");
    }
  });
  form.addEventListener("dragleave", () => form.classList.remove("is-over"));
  form.addEventListener("drop", (event) => {
    form.classList.remove("is-over");
    if (event.dataTransfer.files.length) {
      event.preventDefault();
      uploadAll([...event.dataTransfer.files]);
    }
  });

  async function uploadAll(files) {
    if (!isUploading) {
      list.replaceChildren();
      list.hidden = false;
    }
    waiting.push(...files.map((file) => ({ file, ...addRow(file) })));
    if (isUploading) {
      // These are uploaded after the others.
      return;
    }
    isUploading = true;
    const errors = [];
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { file, progress, message } = next;
      const error = file.size > Number(form.dataset.maxBytes) ? form.dataset.tooLarge : await upload(file, progress);
      message.textContent = error;
      message.classList.toggle("is-failed", Boolean(error));
      if (error) {
        progress.remove();
        errors.push(`${file.name}: ${error}`);
      }
    }
    isUploading = false;
    chooser.value = "";
    if (errors.length) {
      // Errors stay on the screen.
      status.textContent = errors[0];
    } else {
      status.textContent = form.dataset.done;
      location.reload();
    }
  }

  function addRow(file) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    const progress = document.createElement("progress");
    const message = document.createElement("span");
    name.textContent = file.name;
    progress.max = 1;
    progress.value = 0;
    progress.setAttribute("aria-label", form.dataset.progress.replace("%(name)s", file.name));
    row.append(name, progress, message);
    list.append(row);
    return { progress, message };
  }

  /** Upload one file, and return an error message if that failed. */
  function upload(file, progress) {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.append("files", file);
    return new Promise((resolve) => {
      // Only this API reports how much has been sent.
      const request = new XMLHttpRequest();
      request.upload.addEventListener("progress", (event) => {
        progress.value = event.loaded / event.total;
      });
      request.addEventListener("error", () => resolve(form.dataset.failed));
      request.addEventListener("load", () => {
        progress.value = 1;
        try {
          resolve(JSON.parse(request.responseText).error ?? "");
        } catch {
          resolve(form.dataset.failed);
        }
      });
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "application/json");
      request.send(body);
    });
  }
}
