// While somebody writes a comment, their browser solves a small task of ours (ALTCHA), unseen: a flood cannot afford it.
// Without this, or where the browser offers no cryptography (no https), the comment is sent all the same, and waits.

// A slow telephone is not kept waiting for ever.
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
    // With the button that was pressed.
    form.requestSubmit(event.submitter);
  });
  // Back on the page, a solution was used: each counts once.
  addEventListener("pageshow", () => {
    field.value = "";
    work = null;
    waited = false;
  });
}

async function solve(address, script) {
  if (!globalThis.crypto?.subtle) throw new Error("no cryptography here");
  const response = await fetch(address, { credentials: "omit" });
  if (!response.ok) throw new Error("no task");
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
