/* Imports from WordPress: updates the progress, and stops uploads that are too large before they are sent. Without this
 * script, the page reloads every few seconds, and the server rejects the upload. */

import { whenSent } from "./sending.js";
import { timeout } from "./timeout.js";

const INTERVAL = 2000;

const progress = document.querySelector(".import-progress");
if (progress) {
  watchProgress(progress);
}
const uploadForm = document.querySelector(".import .upload");
if (uploadForm) {
  prepareUpload(uploadForm);
}

function watchProgress(box) {
  const activity = box.querySelector(".import-activity");
  const timeLeft = box.querySelector(".import-time-left");
  const bar = box.querySelector("progress");
  const announcement = box.querySelector(".import-announcement");
  let announcedTenth = -1;

  async function update() {
    try {
      const response = await fetch(box.dataset.url, {
        headers: { Accept: "application/json" },
        redirect: "error",
        signal: timeout(),
      });
      const job = await response.json();
      if (job.version !== box.dataset.version) {
        location.reload();
        return;
      }
      activity.textContent = job.activity;
      timeLeft.textContent = job.time_left;
      if (job.percent === null) {
        bar.removeAttribute("value");
      } else {
        bar.value = job.percent;
      }
      // Screen readers announce each tenth, not each percent.
      const tenth = job.percent === null ? -1 : Math.floor(job.percent / 10);
      if (tenth !== announcedTenth) {
        announcedTenth = tenth;
        announcement.textContent = `${job.activity} ${job.time_left}`;
      }
    } catch {
      // The server may be busy or restarting. Try again at the next interval.
    }
    setTimeout(update, INTERVAL);
  }
  setTimeout(update, INTERVAL);
}

function prepareUpload(form) {
  const errors = form.querySelector(".errorlist");
  const button = form.querySelector("button[type=submit]");
  const cancel = form.querySelector("button[type=button]");
  const status = form.querySelector("[role=status]");
  form.addEventListener("submit", (event) => {
    const bytes = [...form.querySelector("input[type=file]").files].reduce((sum, file) => sum + file.size, 0);
    errors.replaceChildren();
    if (bytes > Number(form.dataset.maxBytes)) {
      event.preventDefault();
      const item = document.createElement("li");
      item.textContent = form.dataset.tooLarge;
      errors.append(item);
    }
  });
  // The browser must collect the form's data before the button is disabled.
  whenSent(form, () => setTimeout(() => showUploading(true)));
  cancel.addEventListener("click", () => {
    window.stop();
    showUploading(false);
    button.focus();
  });
  window.addEventListener("pageshow", () => showUploading(false));

  function showUploading(isUploading) {
    button.disabled = isUploading;
    cancel.hidden = !isUploading;
    status.textContent = isUploading ? status.dataset.uploading : "";
  }
}
