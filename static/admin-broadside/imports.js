/* Imports from WordPress: numbers that change by themselves, and uploads that are too large stopped before they are
 * sent. Without this script the page loads itself again every few seconds, and the server judges the upload. */

const PAUSE = 2000;

const progress = document.querySelector(".import-progress");
if (progress) {
  watch(progress);
}
const upload = document.querySelector(".import .upload");
if (upload) {
  guard(upload);
}

function watch(box) {
  const doing = box.querySelector(".import-doing");
  const left = box.querySelector(".import-left");
  const bar = box.querySelector("progress");
  const spoken = box.querySelector(".import-spoken");
  let tenth = -1;

  async function look() {
    try {
      const answer = await fetch(box.dataset.url, { headers: { Accept: "application/json" }, redirect: "error" });
      const told = await answer.json();
      if (told.situation !== box.dataset.situation) {
        location.reload();
        return;
      }
      doing.textContent = told.doing;
      left.textContent = told.left;
      if (told.share === null) {
        bar.removeAttribute("value");
      } else {
        bar.value = told.share;
      }
      // Read aloud at each tenth, not at each number.
      const now = told.share === null ? -1 : Math.floor(told.share / 10);
      if (now !== tenth) {
        tenth = now;
        spoken.textContent = `${told.doing} ${told.left}`;
      }
    } catch {
      // The server may be busy or starting anew: the next look tells.
    }
    setTimeout(look, PAUSE);
  }
  setTimeout(look, PAUSE);
}

function guard(form) {
  const errors = form.querySelector(".errorlist");
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", (event) => {
    const bytes = [...form.querySelector("input[type=file]").files].reduce((sum, file) => sum + file.size, 0);
    errors.replaceChildren();
    if (bytes > Number(form.dataset.maxBytes)) {
      event.preventDefault();
      const item = document.createElement("li");
      item.textContent = form.dataset.tooLarge;
      errors.append(item);
      return;
    }
    // Disabled only after the browser has collected what it sends.
    setTimeout(() => { button.disabled = true; });
  });
  window.addEventListener("pageshow", () => { button.disabled = false; });
}
