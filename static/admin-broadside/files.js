/* Taking files that are dropped, and sending them with their progress. */

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

/** Send a file with the CSRF token of a form, and show how much has been sent in the element `progress`.
 *
 * Resolve to the status and the JSON of the response, which is null if there is none.
 */
export function sendFile(url, form, name, file, progress) {
  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.append(name, file);
  // Not fetch, which doesn't report how much has been sent.
  const request = new XMLHttpRequest();
  request.open("POST", url);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    progress.value = event.loaded / event.total;
  });
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => resolve({ status: request.status, json: request.response }));
    request.send(body);
  });
}
