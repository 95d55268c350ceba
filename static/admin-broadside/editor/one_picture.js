/* A place for one image: chosen in the dialog of the media library, or uploaded, also by dropping its file. */

import { element } from "../elements.js";
import { acceptDrops } from "../files.js";
import { uploadFile } from "./uploads.js";

/** Let users choose the image of a place.
 *
 * `place` has the `area` that takes files, the buttons `choose` and `remove`, the `chooser` of new files (null for users
 * who may not upload), the `figure` and the `status`. `ask` opens the dialog. Files are uploaded for the editor `field`, with the `messages` in
 * its data, as one of `uploads`. `take` gets the file, or null when the image is removed.
 * Of several files that are dropped, the first is taken.
 */
export function offerPicture({ area, choose, remove, chooser, figure, status }, { ask, field, messages, uploads, take }) {
  choose.addEventListener("click", () => {
    ask({ kind: "picture", describe: false, upload: chooser && (() => chooser.click()), done: show });
  });
  remove.addEventListener("click", () => {
    show(null);
    choose.focus();
  });
  if (chooser) {
    chooser.addEventListener("change", () => {
      const [file] = chooser.files;
      chooser.value = "";
      uploads.add(() => upload(file));
    });
    acceptDrops(area, "is-dropping", ([file, ...others]) => uploads.add(() => upload(file, others.length)));
  }

  async function upload(file, left = 0) {
    // Browsers don't know all types. Unlike the chooser, anything can be dropped, and a document would be stored.
    if (file.type && !file.type.startsWith("image/")) {
      status.textContent = messages.dataset.notAnImage;
      return false;
    }
    const progress = element("progress", { "aria-label": file.name });
    status.replaceChildren(progress);
    const result = await uploadFile(field, messages, file, progress);
    // A document isn't an image.
    const isImage = Boolean(result.file?.thumbnail);
    if (isImage) {
      show(result.file);
      if (left) {
        status.textContent = messages.dataset.onlyFirst;
      }
    } else {
      status.textContent = result.error ?? messages.dataset.failed;
    }
    return isImage;
  }

  function show(file) {
    if (file) {
      figure.querySelector("img")?.remove();
      const image = element("img", { src: file.thumbnail, alt: file.alt });
      // It moves the button below it, which may have the focus.
      image.addEventListener("load", () => document.activeElement === choose && choose.scrollIntoView({ block: "nearest" }));
      figure.prepend(image);
      figure.querySelector("a").href = file.edit;
    }
    figure.hidden = remove.hidden = !file;
    choose.textContent = file ? choose.dataset.other : choose.dataset.first;
    status.textContent = "";
    take(file);
  }
}
