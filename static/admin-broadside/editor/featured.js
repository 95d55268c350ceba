/* The featured image, chosen in the dialog of the media library. Without this script, its ID is entered. */

import { mediaDialog } from "./media_dialog.js";
import { offerPicture } from "./one_picture.js";

export function addFeaturedImage(box, field, modes, uploads) {
  const part = field.form.querySelector(".writing-picture-field");
  if (!part) {
    return;
  }
  const input = part.querySelector("input");
  const figure = part.querySelector(".writing-picture");
  const [choose, remove, chooser] = ["choose", "remove", "file"].map((name) => part.querySelector(`.writing-picture-${name}`));
  const place = { choose, remove, chooser, figure, status: part.querySelector("[role=status]") };
  const ask = mediaDialog(box, field, modes);

  part.querySelector(".writing-picture-id").hidden = true;
  part.querySelector(".writing-picture-buttons").hidden = false;
  offerPicture(place, { ask, field, messages: box.querySelector(".editor-status"), uploads, take });

  function take(file) {
    input.value = file?.id ?? "";
    // For other scripts that watch the form, such as autosaving.
    input.dispatchEvent(new Event("input", { bubbles: true }));
    if (file) {
      const caption = figure.querySelector(".writing-picture-alt");
      caption.textContent = file.alt ? caption.dataset.alt.replace("{alt}", () => file.alt) : caption.dataset.none;
      const credit = figure.querySelector(".writing-picture-credit");
      credit.textContent = credit.dataset.credit.replace("{credit}", () => file.credit);
      credit.hidden = !file.credit;
    }
  }
}
