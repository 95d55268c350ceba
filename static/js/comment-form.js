// Handles the comment form between the click on a button and the next page.
//
// While a reader writes a comment, the browser solves a small challenge (ALTCHA) in the background, which makes
// flooding expensive. Without this script, or without Web Crypto (no HTTPS), the comment is sent anyway, but a
// stranger's comment is then held.
//
// After the click, the button shows the progress, which is also announced, and the form can't be sent a second time.

// How long a slow phone may take, in milliseconds.
const PATIENCE = 15_000;
// If there is no new page after this time, for example because the reader stopped loading, the form can be sent again.
const GIVE_UP = 45_000;

for (const form of document.querySelectorAll(".comment-form")) {
  // Empty without Web Crypto, which is needed to solve the challenge.
  const field = globalThis.crypto?.subtle && form.elements.altcha;
  const status = form.querySelector("[role=status]");
  const buttons = [...form.querySelectorAll("button")];
  const labels = buttons.map((button) => button.textContent);
  let work = null;
  // "", then "working" on the challenge until it has "worked", then "sent".
  let state = "";
  let timer = null;

  const show = (pressed) => {
    for (const button of buttons) button.setAttribute("aria-disabled", "true");
    // A disabled button would lose the focus, and would not be sent.
    (pressed ?? buttons[0]).textContent = form.dataset.sending;
    status.textContent = form.dataset.sending;
    timer = setTimeout(reset, GIVE_UP);
  };

  const reset = () => {
    clearTimeout(timer);
    state = "";
    for (const [index, button] of buttons.entries()) {
      button.removeAttribute("aria-disabled");
      button.textContent = labels[index];
    }
    status.textContent = "";
    // Each solution is valid only once.
    if (field) field.value = "";
    work = null;
  };

  const start = () => {
    work ??= solve(field.dataset.challenge, field.dataset.worker)
      .then((answer) => { field.value = answer; })
      .catch(() => { work = null; });
    return work;
  };

  if (field) {
    // On a reload, Firefox restores what was in the field; each solution is valid only once.
    field.value = "";
    form.addEventListener("focusin", start);
  }
  form.addEventListener("submit", async (event) => {
    if (state === "worked") {
      state = "sent";
      return;
    }
    if (state) {
      event.preventDefault();
      return;
    }
    show(event.submitter);
    // Safari before 16 can't submit it later with the button that was pressed, so the comment is sent without a solution.
    if (!field || field.value || !form.requestSubmit) {
      state = "sent";
      return;
    }
    event.preventDefault();
    state = "working";
    await Promise.race([start(), new Promise((resolve) => { setTimeout(resolve, PATIENCE); })]);
    // The reader may have left and returned.
    if (state !== "working") return;
    state = "worked";
    // Submit it with the button that was pressed.
    form.requestSubmit(event.submitter);
  });
  // Reset when a reader returns to a page that the browser had kept, but not on the first load, when a comment may
  // already be on its way.
  addEventListener("pageshow", ({ persisted }) => { if (persisted) reset(); });
}

async function solve(url, script) {
  const response = await fetch(url, { credentials: "omit" });
  if (!response.ok) throw new Error("no challenge");
  const challenge = await response.json();
  const worker = new Worker(script);
  try {
    const solution = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data?.derivedKey ? resolve(data) : reject(new Error("no solution")));
      worker.onerror = reject;
      worker.postMessage({ type: "work", challenge });
    });
    return btoa(JSON.stringify({ challenge, solution }));
  } finally {
    worker.terminate();
  }
}
