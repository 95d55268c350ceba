/* The featured image, chosen in the dialog of the media library. Without this script, its ID is entered. */

import { timeout } from "../timeout.js";
import { mediaDialog } from "./media_dialog.js";
import { offerPicture } from "./one_picture.js";

export function addFeaturedImage(box, field, uploads) {
  const part = field.form.querySelector(".writing-picture-field");
  if (!part) {
    return;
  }
  const input = part.querySelector("input");
  const figure = part.querySelector(".writing-picture");
  const [caption, credit] = ["alt", "credit"].map((name) => figure.querySelector(`.writing-picture-${name}`));
  const [choose, remove, chooser] = ["choose", "remove", "file"].map((name) => part.querySelector(`.writing-picture-${name}`));
  const place = { area: part, choose, remove, chooser, figure, status: part.querySelector("[role=status]") };
  const ask = mediaDialog(box, field);

  part.querySelector(".writing-picture-id").hidden = true;
  part.querySelector(".writing-picture-buttons").hidden = false;
  offerPicture(place, { ask, field, messages: box.querySelector(".editor-status"), uploads, take });
  document.addEventListener("visibilitychange", refresh);

  function take(file) {
    input.value = file?.id ?? "";
    // For other scripts that watch the form, such as autosaving.
    input.dispatchEvent(new Event("input", { bubbles: true }));
    if (file) {
      showTexts(file);
    }
  }

  function showTexts(file) {
    caption.textContent = file.alt ? caption.dataset.alt.replace("{alt}", () => file.alt) : caption.dataset.none;
    credit.textContent = credit.dataset.credit.replace("{credit}", () => file.credit);
    credit.hidden = !file.credit;
  }

  /** Show the alternative text that the image got in another tab. */
  async function refresh() {
    if (document.hidden || !input.value || caption.textContent.trim() !== caption.dataset.none) {
      return;
    }
    const url = `${field.dataset.mediaUrl}?${new URLSearchParams({ id: input.value })}`;
    const response = await fetch(url, { signal: timeout() }).catch(() => null);
    const [file] = response?.ok ? (await response.json()).files : [];
    if (file?.alt) {
      figure.querySelector("img").alt = file.alt;
      showTexts(file);
      field.form.dispatchEvent(new Event("described"));
    }
  }
}
