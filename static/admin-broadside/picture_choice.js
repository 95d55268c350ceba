/* The images of the site's appearance, chosen in the dialog of the media library or uploaded in place. Without this
 * script, or for users who may not open the library while writing, they are in a list. */

import { mediaDialog } from "./editor/media_dialog.js";
import { offerPicture } from "./editor/one_picture.js";
import { Uploads } from "./editor/uploads.js";

const library = document.querySelector(".picture-library");
if (library) {
  const ask = mediaDialog(library, library);
  for (const part of document.querySelectorAll(".picture-choice")) {
    addChoice(part, ask);
  }
}

function addChoice(part, ask) {
  const [select, figure, input] = ["select", "figure", "input"].map((name) => part.querySelector(name));
  const [choose, upload, remove] = ["choose", "upload", "remove"].map((name) => part.querySelector(`[data-do=${name}]`));
  const { form, labels: [label] } = select;
  const chooser = library.dataset.mayUpload === "1" ? input : null;
  const place = { area: part, choose, remove, chooser, figure, status: part.querySelector("[role=status]") };
  const uploads = new Uploads();

  // The buttons together replace the list, with its label, its help and its errors.
  label.id ||= `${select.id}_label`;
  part.setAttribute("role", "group");
  part.setAttribute("aria-labelledby", label.id);
  const described = select.getAttribute("aria-describedby") ?? "";
  choose.setAttribute("aria-describedby", `${figure.querySelector("figcaption").id} ${described}`.trim());
  label.addEventListener("click", () => choose.focus());
  select.hidden = true;
  part.querySelector(".picture-choice-buttons").hidden = false;
  upload.hidden = !chooser;
  figure.hidden = remove.hidden = !select.value;
  choose.textContent = select.value ? choose.dataset.other : choose.dataset.first;

  const field = { form, dataset: library.dataset };
  offerPicture(place, { ask, field, messages: library, uploads, take });
  upload.addEventListener("click", () => chooser.click());
  // Uploads belong to the form, so it waits for them.
  form.addEventListener("submit", async (event) => {
    if (uploads.areRunning) {
      event.preventDefault();
      await uploads.finish();
      form.requestSubmit(event.submitter);
    }
  });

  function take(file) {
    if (file) {
      if (![...select.options].some((option) => option.value === String(file.id))) {
        select.add(new Option(file.title, file.id));
      }
      figure.querySelector("bdi").textContent = file.title;
      figure.querySelector("span").textContent = `(${file.width} × ${file.height})`;
    }
    select.value = file?.id ?? "";
  }
}
