/* The featured image, chosen in the dialog of the media library. Without this script, its ID is entered. */

import { mediaDialog } from "./media_dialog.js";
import { uploadFile } from "./uploads.js";

export function addFeaturedImage(box, field, modes, uploads) {
  const part = field.form.querySelector(".writing-picture-field");
  if (!part) {
    return;
  }
  const input = part.querySelector("input");
  const figure = part.querySelector(".writing-picture");
  const [choose, remove, chooser] = ["choose", "remove", "file"].map((name) => part.querySelector(`.writing-picture-${name}`));
  const status = part.querySelector("[role=status]");
  const ask = mediaDialog(box, field, modes);

  part.querySelector(".writing-picture-id").hidden = true;
  part.querySelector(".writing-picture-buttons").hidden = false;
  choose.addEventListener("click", () => {
    ask({ kind: "picture", describe: false, upload: () => chooser.click(), done: show });
  });
  remove.addEventListener("click", () => {
    show(null);
    choose.focus();
  });
  chooser.addEventListener("change", () => {
    const [file] = chooser.files;
    chooser.value = "";
    uploads.add(() => upload(file));
  });

  async function upload(file) {
    const progress = document.createElement("progress");
    status.replaceChildren(progress);
    const result = await uploadFile(field, box.querySelector(".editor-status"), file, progress);
    status.textContent = result.file ? "" : result.error ?? box.querySelector(".editor-status").dataset.failed;
    if (result.file) {
      show(result.file);
    }
    return Boolean(result.file);
  }

  function show(file) {
    input.value = file?.id ?? "";
    // For whatever follows the form, such as autosaving.
    input.dispatchEvent(new Event("input", { bubbles: true }));
    figure.hidden = remove.hidden = !file;
    if (file) {
      const image = new Image();
      image.src = file.thumbnail;
      image.alt = file.alt;
      figure.querySelector("img")?.remove();
      figure.prepend(image);
      const caption = figure.querySelector(".writing-picture-alt");
      caption.textContent = file.alt ? caption.dataset.alt.replace("{alt}", () => file.alt) : caption.dataset.none;
      const credit = figure.querySelector(".writing-picture-credit");
      credit.textContent = credit.dataset.credit.replace("{credit}", () => file.credit);
      credit.hidden = !file.credit;
      figure.querySelector("a").href = file.edit;
    }
    choose.textContent = file ? choose.dataset.other : choose.dataset.first;
  }
}
