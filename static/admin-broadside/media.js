/* Uploads many files one after the other, each with its progress. Without this script, there is a plain form.
 *
 * In the form of an image, it offers the alternative texts that posts have for it. In the grid, it selects all images
 * and counts the selected ones, which Django's script does only in tables. */

import { element } from "./elements.js";
import { acceptDrops, isReadable, sendFile } from "./files.js";

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
  // The errors of the uploads after which this page was loaded again.
  const earlier = history.state ?? [];
  history.replaceState(null, "");
  if (earlier.length) {
    list.hidden = false;
    for (const [name, error] of earlier) {
      fail(addRow(name), error);
    }
    announce(earlier);
  }

  async function uploadAll(files) {
    if (!isUploading) {
      list.replaceChildren();
      list.hidden = false;
    }
    waiting.push(...files.map((file) => ({ file, ...addRow(file.name) })));
    if (isUploading) {
      // These are uploaded after the others.
      return;
    }
    isUploading = true;
    const failed = [];
    let isAnyStored = false;
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const error = await upload(next);
      if (error) {
        fail(next, error);
        failed.push([next.file.name, error]);
      } else {
        isAnyStored = true;
      }
    }
    isUploading = false;
    chooser.value = "";
    if (isAnyStored) {
      // The page that shows the new files shows the errors as well.
      history.replaceState(failed, "");
      status.textContent = failed.length ? "" : form.dataset.done;
      location.reload();
    } else {
      announce(failed);
    }
  }

  function addRow(name) {
    const label = form.dataset.progress.replace("%(name)s", name);
    const progress = element("progress", { value: 0, "aria-label": label });
    const message = element("span", {});
    list.append(element("li", {}, element("span", {}, name), progress, message));
    return { progress, message };
  }

  function fail({ progress, message }, error) {
    progress.remove();
    message.textContent = error;
    message.classList.add("is-failed");
  }

  /** Have screen readers announce all errors, which stay on the screen, each beside its file. */
  function announce(failed) {
    status.textContent = failed.map(([name, error]) => `${name}: ${error}`).join(" ");
    status.classList.add("visually-hidden");
  }

  /** Upload one file, and return an error message if that failed. */
  async function upload({ file, progress }) {
    if (!(await isReadable(file))) {
      return form.dataset.unreadable;
    }
    if (file.size > Number(form.dataset.maxBytes)) {
      return form.dataset.tooLarge;
    }
    const { json } = await sendFile(form.action, form, "files", file, progress);
    progress.value = 1;
    return json ? (json.error ?? "") : form.dataset.failed;
  }
}
