/* Images and documents that are dropped, pasted or chosen: uploaded one after the other, and inserted in that order. */

/** Take files, and return the function that uploads and inserts a list of them. */
export function takeFiles(box, field, modes) {
  const chooser = box.querySelector(".editor-file");
  const status = box.querySelector(".editor-status");
  const list = box.querySelector(".editor-uploads");
  // Uploads wait for each other, so that files stay in the order in which they were added.
  let added = Promise.resolve();

  chooser.addEventListener("change", () => {
    add(chooser.files);
    chooser.value = "";
  });
  box.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) {
      event.preventDefault();
      box.classList.add("is-dropping");
    }
  });
  for (const type of ["dragleave", "drop"]) {
    box.addEventListener(type, () => box.classList.remove("is-dropping"));
  }
  box.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length) {
      event.preventDefault();
      add(event.dataTransfer.files);
    }
  });
  return add;

  function add(files) {
    for (const done of list.querySelectorAll(".is-done")) {
      done.remove();
    }
    const waiting = [...files].map((file) => ({ file, item: itemFor(file) }));
    list.append(...waiting.map(({ item }) => item));
    added = added.then(() => uploadAll(waiting));
  }

  async function uploadAll(waiting) {
    status.textContent = status.dataset.uploading;
    const codes = [];
    for (const { file, item } of waiting) {
      const result = await uploadFile(field, status, file, item.querySelector("progress"));
      if (result.image_code) {
        codes.push(result.image_code);
        item.remove();
      } else {
        item.classList.add("is-done", "editor-error");
        item.querySelector("progress").replaceWith(` ${result.error ?? status.dataset.failed}`);
      }
    }
    status.textContent = "";
    if (codes.length) {
      const isUndescribed = modes.current.insertFiles(codes);
      status.textContent = isUndescribed ? status.dataset.added : status.dataset.documentAdded;
    }
  }
}

/** Upload a file for the editor `field`. Resolve to the server's answer, or to an object with an `error`, or to `{}`. */
export function uploadFile(field, status, file, progress) {
  const isImage = file.type.startsWith("image/");
  if (file.size > Number(isImage ? field.dataset.maxBytes : field.dataset.maxDocumentBytes)) {
    return { error: isImage ? status.dataset.tooLarge : status.dataset.documentTooLarge };
  }
  const body = new FormData();
  body.append("csrfmiddlewaretoken", field.form.elements.csrfmiddlewaretoken.value);
  body.append("image", file);
  // Not fetch, which doesn't report how much has been sent.
  const request = new XMLHttpRequest();
  request.open("POST", field.dataset.markdownxUploadUrlsPath);
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    progress.value = event.loaded / event.total;
  });
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => resolve(request.response ?? {}));
    request.send(body);
  });
}

function itemFor(file) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  const progress = document.createElement("progress");
  name.textContent = file.name;
  progress.setAttribute("aria-label", file.name);
  item.append(name, " ", progress);
  return item;
}
