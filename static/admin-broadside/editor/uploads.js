/* Uploads images and documents that are dropped, pasted or chosen, one after the other, and inserts them in order. */

import { element } from "../elements.js";
import { acceptDrops, isReadable, sendFile } from "../files.js";
import { fileBlocks } from "./formatting.js";
import { Places } from "./places.js";

/** The uploads of a form, which is not saved before they are complete. */
export class Uploads {
  #last = Promise.resolve();
  #running = new Set();

  get areRunning() {
    return this.#running.size > 0;
  }

  /** Run `upload` after earlier ones, so that files stay in order. It resolves to whether all of its files were
   * stored. */
  add(upload) {
    const done = this.#last.then(upload).catch((error) => {
      reportError(error);
      return false;
    });
    this.#last = done;
    this.#running.add(done);
    done.then(() => this.#running.delete(done));
  }

  /** Resolve to whether all files were stored, including any that are added in the meantime. */
  async finish() {
    let areStored = true;
    while (this.areRunning) {
      areStored = (await Promise.all(this.#running)).every(Boolean) && areStored;
    }
    return areStored;
  }
}

/** Accept files, and return functions: `add` uploads a list of them and inserts it, by default at the caret, and `warn` says
 * that images are missing from what was pasted. */
export function takeFiles(box, field, modes, uploads) {
  const chooser = box.querySelector(".editor-file");
  const status = box.querySelector(".editor-status");
  const list = box.querySelector(".editor-uploads");
  const places = new Places(field);
  // The items of files that can be tried again, with the places where they go.
  const retries = new Map();

  chooser.addEventListener("change", () => {
    add(chooser.files);
    chooser.value = "";
  });
  acceptDrops(box, "is-dropping", (files) => add(files));
  field.form.addEventListener("saved", () => [...retries.keys()].forEach((item) => places.release(take(item))));
  return { add, warn };

  function add(files, at = field.selectionEnd) {
    for (const done of list.querySelectorAll(".is-done")) {
      if (!retries.has(done)) {
        done.remove();
      }
    }
    uploadTo(places.hold(at), files);
  }

  function uploadTo(place, files) {
    const waiting = [...files].map((file) => ({ file, item: itemFor(file) }));
    list.append(...waiting.map(({ item }) => item));
    uploads.add(() => uploadAll(waiting, place));
  }

  function warn() {
    list.append(element("li", { class: "is-done editor-error" }, status.dataset.missing));
  }

  async function uploadAll(waiting, place) {
    status.textContent = status.dataset.uploading;
    const codes = [];
    for (const { file, item } of waiting) {
      const result = await uploadFile(field, status, file, item.querySelector("progress"));
      if (result.image_code) {
        codes.push(result.image_code);
        item.remove();
      } else {
        item.classList.add("is-done", "editor-error");
        item.querySelector("progress").replaceWith(` ${result.error ?? status.dataset.failed} `);
        if (result.isTemporary) {
          retries.set(item, places.hold(place.at));
          item.append(retryButton(file, item));
        }
      }
    }
    status.textContent = "";
    if (codes.length) {
      const code = fileBlocks(field, codes);
      const isUndescribed = places.use(place, (at, isLeft) => modes.current.insertFiles(code, at, isLeft));
      const { added, severalAdded } = status.dataset;
      status.textContent = isUndescribed ? (codes.length > 1 ? severalAdded : added) : status.dataset.documentAdded;
    } else {
      places.release(place);
    }
    return codes.length === waiting.length;
  }

  function retryButton(file, item) {
    const button = element("button", { type: "button", class: "button" }, status.dataset.retry);
    button.addEventListener("click", () => {
      uploadTo(take(item), [file]);
      field.focus();
    });
    return button;
  }

  /** Remove the item of a file that can be tried again, and return its place. */
  function take(item) {
    const place = retries.get(item);
    retries.delete(item);
    item.remove();
    return place;
  }
}

/** Upload a file for the editor `field`. Resolve to the server's response, which has an `error` if the file was
 * rejected. `isTemporary` means that there may be nothing wrong with the file itself. */
export async function uploadFile(field, status, file, progress) {
  if (!(await isReadable(file))) {
    return { error: status.dataset.unreadable };
  }
  const isImage = file.type.startsWith("image/");
  if (file.size > Number(isImage ? field.dataset.maxBytes : field.dataset.maxDocumentBytes)) {
    return { error: isImage ? status.dataset.tooLarge : status.dataset.documentTooLarge };
  }
  const { status: code, json } = await sendFile(field.dataset.markdownxUploadUrlsPath, field.form, "image", file, progress);
  return { ...json, isTemporary: code !== 400 };
}

function itemFor(file) {
  return element("li", {}, element("bdi", {}, file.name), " ", element("progress", { "aria-label": file.name }));
}
