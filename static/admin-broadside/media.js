/* Uploads many files one after the other, each with its progress. Without this script, there is a plain form.
 *
 * In the form of an image, it offers the alternative texts that posts have for it. In the grid, it selects all images
 * and counts the selected ones, which Django's script does only in tables. */

import { element } from "./elements.js";
import { acceptDrops, sendFile } from "./files.js";

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
  acceptDrops(form, "is-over", uploadAll);

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
      // They stay on the screen, each beside its file, and screen readers announce them all.
      status.textContent = errors.join(" ");
      status.classList.add("visually-hidden");
    } else {
      status.textContent = form.dataset.done;
      location.reload();
    }
  }

  function addRow(file) {
    const label = form.dataset.progress.replace("%(name)s", file.name);
    const progress = element("progress", { value: 0, "aria-label": label });
    const message = element("span", {});
    list.append(element("li", {}, element("span", {}, file.name), progress, message));
    return { progress, message };
  }

  /** Upload one file, and return an error message if that failed. */
  async function upload(file, progress) {
    const { json } = await sendFile(form.action, form, "files", file, progress);
    progress.value = 1;
    return json ? (json.error ?? "") : form.dataset.failed;
  }
}
