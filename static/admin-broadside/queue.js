/* The moderators' queue by keys, and without waiting: a decision is sent, its row leaves at once, and comes back if
 * it was not stored. What is shown and decided is all the server's; without this script the same form works by itself. */

const form = document.getElementById("queue-form");
const list = document.getElementById("queue");
const said = document.getElementById("said");
const undoButton = document.getElementById("undo");
const keys = document.getElementById("keys");
const keysOn = document.getElementById("keys-on");
const FEW = 12; // rows left, before more are fetched
const KEYS_OFF = "broadside-queue-keys-off";
const MOVES = { a: "approve", s: "spam", t: "trash", z: "restore" };
const OPENS = { r: ".reply", e: ".edit", b: ".more" };

// Decisions that can be taken back, the last one at the end: promises of where to.
const decided = [];
let fetching = null;

document.body.classList.add("with-script");
document.getElementById("open-keys").hidden = false;
keysOn.checked = localStorage.getItem(KEYS_OFF) === null;
point(rows()[0]);
showTicked();

/* Rows */

function rows() {
  return [...form.querySelectorAll(".waiting-comment:not([hidden])")];
}

function current() {
  return form.querySelector('.waiting-comment[tabindex="0"]:not([hidden])');
}

/* Make this row the one the keys are for; the Tab key enters the list there. */
function point(row, andFocus = false) {
  for (const other of form.querySelectorAll('.waiting-comment[tabindex="0"]')) {
    other.tabIndex = -1;
  }
  if (row) {
    row.tabIndex = 0;
    if (andFocus) {
      row.focus();
      row.scrollIntoView({ block: "nearest" });
    }
  }
}

function move(step) {
  const all = rows();
  const here = all.indexOf(current());
  if (all.length) {
    // The first press of a key goes to the first row.
    const there = document.activeElement === all[here] || step < 0 ? here + step : here;
    point(all[Math.min(Math.max(there, 0), all.length - 1)], true);
  }
}

function made(html) {
  const around = document.createElement("template");
  around.innerHTML = html;
  return around.content.firstElementChild;
}

function hide(leaving) {
  const all = rows();
  const here = all.indexOf(current());
  const hadFocus = leaving.some((row) => row.contains(document.activeElement)) || document.activeElement === document.body;
  leaving.forEach((row) => {
    row.hidden = true;
    row.querySelector("[name=comment]").checked = false;
  });
  const next = all.slice(Math.max(here, 0)).find((row) => !row.hidden) ?? rows().at(-1);
  point(next, hadFocus);
  showTicked();
}

function refresh() {
  const left = rows().length;
  document.getElementById("empty").hidden = left > 0 || document.getElementById("later") !== null;
  if (left < FEW) {
    more();
  }
}

/* The next rows come before they are needed. */
async function more() {
  const link = document.getElementById("later");
  if (!link || fetching) {
    return;
  }
  try {
    fetching = fetch(link.href);
    const answer = await fetching;
    if (!answer.ok || answer.redirected) {
      // Nobody is logged in any more, say: that says nothing about what waits.
      throw new Error(answer.statusText);
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const row of page.querySelectorAll("#queue > .waiting-comment")) {
      if (!document.getElementById(row.id)) {
        list.append(document.adoptNode(row));
      }
    }
    const further = page.getElementById("later");
    if (further) {
      link.href = further.getAttribute("href");
    } else {
      link.parentElement.remove();
    }
    if (!current()) {
      point(rows()[0], document.activeElement === document.body);
    }
  } catch {
    // The link is still there to follow.
  } finally {
    fetching = null;
    document.getElementById("empty").hidden = rows().length > 0 || document.getElementById("later") !== null;
  }
}

/* Words */

function say(words, canUndo) {
  // It is there from the start, so that it is read aloud.
  said.classList.remove("visually-hidden");
  document.getElementById("said-words").textContent = words;
  undoButton.hidden = !canUndo;
}

function ticked() {
  return rows().filter((row) => row.querySelector("[name=comment]").checked);
}

function showTicked() {
  const number = ticked().length;
  document.getElementById("all-ticked").hidden = number === 0;
  document.getElementById("ticked").textContent = number;
}

function count(difference) {
  const shown = document.getElementById("count");
  if (shown) {
    shown.textContent = Math.max(0, Number(shown.textContent.replace(/\D/g, "")) + difference);
  }
}

/* Deciding */

async function post(url, fields) {
  const body = new URLSearchParams(fields);
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  const answer = await fetch(url, { method: "POST", headers: { Accept: "application/json" }, body });
  if (!answer.ok || answer.redirected) {
    throw new Error(answer.statusText);
  }
  return answer.json();
}

/* Send the decision `name` about `chosen`. The rows of decisions leave before the answer is here. */
async function decide(name, chosen, typed = null) {
  if (!chosen.length || (!typed && !offered(chosen, name))) {
    return;
  }
  const fields = [["decide", typed ? `${name} ${chosen[0].dataset.pk}` : name]];
  for (const row of chosen) {
    fields.push(["comment", row.dataset.pk], ["seen", row.querySelector("[name=seen]").value]);
  }
  if (typed) {
    fields.push([typed.name, typed.value]);
  } else {
    hide(chosen);
  }
  const sent = post(form.action, fields);
  const entry = sent.then((answer) => answer.undo, () => "");
  if (name !== "edit") {
    decided.push(entry);
  }
  try {
    const answer = await sent;
    if (!answer.undo) {
      forget(entry);
    }
    const gone = new Set(answer.gone.map(String));
    const leaving = chosen.filter((row) => gone.has(row.dataset.pk));
    if (typed && !Object.keys(answer.rows).length) {
      typed.value = typed.defaultValue;
      typed.closest("details").open = false;
      point(chosen[0], true);
      hide(leaving);
    }
    leaving.forEach((row) => row.remove());
    count(-leaving.length);
    take(answer.rows, !leaving.length);
    say(answer.words, decided.length > 0);
  } catch {
    forget(entry);
    chosen.forEach((row) => {
      row.hidden = false;
    });
    point(chosen[0], document.activeElement === document.body);
    say(form.dataset.failed, decided.length > 0);
  }
  refresh();
}

function forget(entry) {
  if (decided.includes(entry)) {
    decided.splice(decided.indexOf(entry), 1);
  }
}

function offered(chosen, name) {
  return chosen.every((row) => row.querySelector(`button.decide.${name}`));
}

/* Put rows that the server sent where they are, or on top. */
function take(sent, andFocus) {
  let first = null;
  for (const [pk, html] of Object.entries(sent)) {
    const fresh = made(html);
    const old = document.getElementById(`comment-${pk}`);
    if (old) {
      old.replaceWith(fresh);
    } else {
      list.prepend(fresh);
    }
    first ??= fresh;
  }
  if (first) {
    point(first, andFocus);
    first.querySelector("details[open] [aria-invalid]")?.focus();
  }
}

async function undo() {
  const last = decided.pop();
  const url = await last;
  if (!url) {
    say(form.dataset.nothing, false);
    return;
  }
  try {
    const answer = await post(url, []);
    if (answer.reload) {
      location.reload();
      return;
    }
    count(Object.keys(answer.rows).length);
    take(answer.rows, true);
    say(answer.words, decided.length > 0);
  } catch {
    decided.push(last);
    say(form.dataset.failed, true);
  }
  refresh();
}

/* Mouse, and buttons by keys */

form.addEventListener("submit", (event) => {
  const [name, pk] = (event.submitter?.value ?? "").split(" ");
  event.preventDefault();
  const row = pk && document.getElementById(`comment-${pk}`);
  const typed = row?.querySelector(`textarea[name="${name}-${pk}"]`);
  decide(name, row ? [row] : ticked(), typed ?? null);
});
form.addEventListener("focusin", (event) => point(event.target.closest(".waiting-comment") ?? current()));
form.addEventListener("change", showTicked);
undoButton.addEventListener("click", undo);
document.getElementById("open-keys").addEventListener("click", () => keys.showModal());
keysOn.addEventListener("change", () => {
  if (keysOn.checked) {
    localStorage.removeItem(KEYS_OFF);
  } else {
    localStorage.setItem(KEYS_OFF, "1");
  }
});

/* Keys */

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("textarea, select, input:not([type=checkbox])");
  if (event.isComposing || keys.open) {
    return;
  }
  if (field) {
    const open = field.closest("details");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && open) {
      event.preventDefault();
      form.requestSubmit(open.querySelector("button[type=submit]"));
    } else if (event.key === "Escape" && open) {
      open.open = false;
      point(open.closest(".waiting-comment"), true);
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !keysOn.checked) {
    return;
  }
  const row = current();
  if (event.key === "j" || event.key === "k") {
    move(event.key === "j" ? 1 : -1);
  } else if (event.repeat) {
    // A key that is held down must not decide about the next ones.
    return;
  } else if (event.key in MOVES) {
    const all = ticked();
    decide(MOVES[event.key], all.length ? all : row ? [row] : []);
  } else if (event.key === "u") {
    undo();
  } else if (event.key === "?") {
    keys.showModal();
  } else if (event.key === "x" && row) {
    row.querySelector("[name=comment]").click();
  } else if (event.key === "o" && row?.querySelector(".rest")) {
    const rest = row.querySelector(".rest");
    rest.open = !rest.open;
  } else if (event.key in OPENS && row?.querySelector(OPENS[event.key])) {
    const opened = row.querySelector(OPENS[event.key]);
    opened.open = true;
    opened.querySelector("textarea, a").focus();
  } else {
    return;
  }
  event.preventDefault();
});
