// While a reader writes a comment, the browser solves a small challenge (ALTCHA) in the background, which makes
// flooding expensive. Without this script, or without Web Crypto (no HTTPS), the comment is sent anyway. A stranger's
// comment is then held.

// A slow phone does not have to wait forever. In milliseconds.
const PATIENCE = 15_000;

for (const field of document.querySelectorAll("input[name=altcha][data-challenge]")) {
  const form = field.form;
  let work = null;
  let waiting = false;
  let waited = false;

  const start = () => {
    work ??= solve(field.dataset.challenge, field.dataset.worker)
      .then((answer) => { field.value = answer; })
      .catch(() => { work = null; });
    return work;
  };

  form.addEventListener("focusin", start);
  form.addEventListener("submit", async (event) => {
    if (field.value || waited || !globalThis.crypto?.subtle) return;
    event.preventDefault();
    if (waiting) return;
    waiting = true;
    await Promise.race([start(), new Promise((resolve) => { setTimeout(resolve, PATIENCE); })]);
    waiting = false;
    waited = true;
    // Submit it with the button that was pressed.
    form.requestSubmit(event.submitter);
  });
  // When a reader returns to the page, the solution has been used, and each is valid only once.
  addEventListener("pageshow", () => {
    field.value = "";
    work = null;
    waited = false;
  });
}

async function solve(url, script) {
  if (!globalThis.crypto?.subtle) throw new Error("Web Crypto is not available");
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
