/* Taking files that are dropped, and sending them with their progress. */

import { PATIENCE } from "./timeout.js";

// Where nothing takes what is dropped, browsers would leave the page for it.
document.addEventListener("dragover", (event) => {
  const fields = event.dataTransfer.types.includes("Files") ? "[type=file]" : "input, textarea";
  if (!event.defaultPrevented && !event.target.closest?.(fields)) {
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  }
});

/** Call `take` with the files that are dropped on an element. While they are over it, it has this class. */
export function acceptDrops(element, className, take) {
  element.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) {
      event.preventDefault();
      element.classList.add(className);
    }
  });
  for (const type of ["dragleave", "drop"]) {
    element.addEventListener(type, () => element.classList.remove(className));
  }
  element.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length) {
      event.preventDefault();
      take([...event.dataTransfer.files]);
    }
  });
}

/** Resolve to whether the content of `file` can be read, unlike that of a folder, or of a file that no longer exists. */
export function isReadable(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

/** Send a file, and its alternative text if it has one, with the CSRF token of a form, and show how much has been sent in
 * the element `progress`. On a line that hangs, give up. (Once the file has been sent, the server may take long.)
 *
 * Resolve to the status and the JSON of the response, which is null if there is none.
 */
export function sendFile(url, form, name, file, progress) {
  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.append(name, file);
  if (file.alt) {
    body.append("alt", file.alt);
  }
  // Not fetch, which doesn't report how much has been sent.
  const request = new XMLHttpRequest();
  request.open("POST", url);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  let timer = setTimeout(() => request.abort(), PATIENCE);
  request.upload.addEventListener("progress", (event) => {
    progress.value = event.loaded / event.total;
    clearTimeout(timer);
    timer = setTimeout(() => request.abort(), PATIENCE);
  });
  request.upload.addEventListener("loadend", () => clearTimeout(timer));
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => resolve({ status: request.status, json: request.response }));
    request.send(body);
  });
}
