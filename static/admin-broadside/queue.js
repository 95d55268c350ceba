/* Keyboard shortcuts for the moderation queue, and decisions without page loads: a row disappears at once, and comes
 * back if the decision could not be saved. The server renders everything, and the form also works without this script. */

import { isComposing, letterOf } from "./keyboard.js";
import { get, LoggedOutError, post } from "./queue_requests.js";

const form = document.getElementById("queue-form");
const list = document.getElementById("queue");
const result = document.getElementById("result");
const undoButton = document.getElementById("undo");
const logInLink = document.getElementById("log-in");
const shortcuts = document.getElementById("shortcuts");
const shortcutsOn = document.getElementById("shortcuts-on");
const MIN_ROWS = 12; // fetch more if fewer are left
const SHORTCUTS_OFF = "broadside-queue-shortcuts-off";
const ACTIONS = { a: "approve", s: "spam", t: "trash", z: "restore" };
const PANELS = { r: ".reply", e: ".edit", b: ".more" };

// Promises of the undo URLs of all decisions so far, latest last.
const undoUrls = [];
let fetching = null;

document.body.classList.add("with-script");
document.getElementById("open-shortcuts").hidden = false;
shortcutsOn.checked = localStorage.getItem(SHORTCUTS_OFF) === null;
setCurrent(rows()[0]);
showSelected();

/* Rows */

function rows() {
  return [...form.querySelectorAll(".queue-comment:not([hidden])")];
}

function current() {
  return form.querySelector('.queue-comment[tabindex="0"]:not([hidden])');
}

/* Make this the row that keyboard shortcuts apply to. The Tab key enters the list there. */
function setCurrent(row, andFocus = false) {
  for (const other of form.querySelectorAll('.queue-comment[tabindex="0"]')) {
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
  const index = all.indexOf(current());
  if (all.length) {
    // At first the current row is not focused yet, so a step forward only focuses it.
    const next = document.activeElement === all[index] || step < 0 ? index + step : index;
    setCurrent(all[Math.min(Math.max(next, 0), all.length - 1)], true);
  }
}

function elementFrom(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

function hide(leaving) {
  const all = rows();
  const index = all.indexOf(current());
  const hadFocus = leaving.some((row) => row.contains(document.activeElement)) || document.activeElement === document.body;
  leaving.forEach((row) => {
    row.hidden = true;
    row.querySelector("[name=comment]").checked = false;
  });
  const next = all.slice(Math.max(index, 0)).find((row) => !row.hidden) ?? rows().at(-1);
  setCurrent(next, hadFocus);
  showSelected();
}

function showEmpty() {
  document.getElementById("empty").hidden = rows().length > 0 || document.getElementById("next-page") !== null;
}

function refresh() {
  showEmpty();
  if (rows().length < MIN_ROWS) {
    fetchMore();
  }
}

/* Fetch the next rows before they are needed. */
async function fetchMore() {
  const link = document.getElementById("next-page");
  if (!link || fetching) {
    return;
  }
  try {
    fetching = get(link.href);
    const response = await fetching;
    if (!response.ok || response.redirected) {
      // For example, the session has expired. There may be more comments.
      throw new Error(response.statusText);
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const row of page.querySelectorAll("#queue > .queue-comment")) {
      if (!document.getElementById(row.id)) {
        list.append(document.adoptNode(row));
      }
    }
    const nextLink = page.getElementById("next-page");
    if (nextLink) {
      link.href = nextLink.getAttribute("href");
    } else {
      link.parentElement.remove();
    }
    if (!current()) {
      setCurrent(rows()[0], document.activeElement === document.body);
    }
  } catch {
    // The link is still there to click.
  } finally {
    fetching = null;
    showEmpty();
  }
}

/* Messages */

/* `isLatest` says whether the message is about the decision that can be undone now, or about something after it. */
function showResult(message, isLatest = false) {
  // The element exists from the start, so screen readers announce the message.
  result.classList.remove("visually-hidden");
  document.getElementById("result-message").textContent = message;
  logInLink.hidden = true;
  undoButton.hidden = undoUrls.length === 0;
  undoButton.firstElementChild.textContent = isLatest ? undoButton.dataset.latest : undoButton.dataset.earlier;
}

function showFailure(error, isLatest = false) {
  const isLoggedOut = error instanceof LoggedOutError;
  showResult(isLoggedOut ? form.dataset.loggedOut : form.dataset.failed, isLatest);
  logInLink.hidden = !isLoggedOut;
}

function selected() {
  return rows().filter((row) => row.querySelector("[name=comment]").checked);
}

function showSelected() {
  const count = selected().length;
  document.getElementById("bulk-actions").hidden = count === 0;
  result.classList.toggle("is-behind", count > 0);
  document.getElementById("selected-count").textContent = count;
}

function showCounts(counts) {
  for (const [status, count] of Object.entries(counts)) {
    document.querySelector(`.tabs [href="?status=${status}"] .tab-count`).textContent = count;
  }
  showPending(counts.pending);
}

/* The navigation, its button and the title of the page say how many comments are pending. */
function showPending(count) {
  const badge = document.querySelector("[data-count=comments]");
  if (badge) {
    const total = document.querySelector(".menu-button .count");
    total.textContent = Number(total.textContent) + count - Number(badge.textContent);
    total.hidden = total.textContent === "0";
    badge.textContent = count;
    badge.hidden = count === 0;
    const words = badge.nextElementSibling;
    words.textContent = words.textContent.replace(/\d+/, count);
  }
  document.title = document.title.replace(/^\s*\(\d+\)\s*/, count ? `(${count}) ` : "");
}

/* Deciding */

/* Send the decision `name` about the rows in `chosen`, which disappear before the response arrives. With the textarea
 * `field`, it is a reply or an edit, which can't be changed or sent again until the response arrives. */
async function decide(name, chosen, field = null) {
  if (!chosen.length || field?.readOnly || (!field && !isOffered(chosen, name))) {
    return;
  }
  const unsent = field ? null : unsentIn(chosen);
  if (unsent) {
    unsent.closest("details").open = true;
    unsent.focus();
    showResult(form.dataset.unsent);
    return;
  }
  const fields = [["decide", field ? `${name} ${chosen[0].dataset.pk}` : name]];
  for (const row of chosen) {
    fields.push(["comment", row.dataset.pk], ["seen", row.querySelector("[name=seen]").value]);
  }
  if (field) {
    fields.push([field.id, field.value]);
    field.readOnly = true;
  } else {
    hide(chosen);
  }
  const sent = post(form, form.action, fields);
  const undoUrl = sent.then((data) => data.undo, () => "");
  if (name !== "edit") {
    undoUrls.push(undoUrl);
  }
  try {
    const data = await sent;
    if (!data.undo) {
      forget(undoUrl);
    }
    const gone = new Set(data.gone.map(String));
    const leaving = chosen.filter((row) => gone.has(row.dataset.pk));
    if (field && !Object.keys(data.rows).length) {
      field.value = field.defaultValue;
      field.closest("details").open = false;
      setCurrent(chosen[0], true);
      hide(leaving);
    }
    leaving.forEach((row) => row.remove());
    showCounts(data.counts);
    // Keys go on with the next comment, which the moderator may be reading or about to decide about.
    insert(data.rows, field !== null && !leaving.length);
    showResult(data.message, Boolean(data.undo) && undoUrls.at(-1) === undoUrl);
  } catch (error) {
    forget(undoUrl);
    chosen.forEach((row) => {
      row.hidden = false;
    });
    if (field || !current()) {
      setCurrent(chosen[0], document.activeElement === document.body);
    }
    showFailure(error);
  } finally {
    if (field) {
      field.readOnly = false;
    }
  }
  refresh();
}

/* Return a reply or an edit in one of these rows that was typed and not sent. */
function unsentIn(chosen) {
  const texts = chosen.flatMap((row) => [...row.querySelectorAll("textarea")]);
  return texts.find((text) => text.value !== text.defaultValue);
}

function forget(undoUrl) {
  if (undoUrls.includes(undoUrl)) {
    undoUrls.splice(undoUrls.indexOf(undoUrl), 1);
  }
}

function isOffered(chosen, name) {
  return chosen.every((row) => row.querySelector(`button.decide.${name}`));
}

/* Replace rows with those that the server sent, or put them where they belong in the list. */
function insert(sent, andFocus) {
  const fresh = Object.values(sent).map(elementFrom);
  for (const row of fresh) {
    const old = document.getElementById(row.id);
    if (old) {
      old.replaceWith(row);
    } else {
      list.insertBefore(row, [...list.children].find((other) => isBefore(row, other)) ?? null);
    }
  }
  const first = rows().find((row) => fresh.includes(row));
  if (first && (andFocus || !current())) {
    setCurrent(first, andFocus);
    first.querySelector("details[open] [aria-invalid]")?.focus();
  }
}

/* Return whether a row comes before another one: pending comments are sorted oldest first, all others newest first. */
function isBefore(row, other) {
  const [time, otherTime] = [row, other].map((each) => Date.parse(each.querySelector("time").dateTime));
  return "oldestFirst" in list.dataset ? time < otherTime : time > otherTime;
}

async function undo() {
  const last = undoUrls.pop();
  const url = await last;
  if (!url) {
    showResult(form.dataset.nothing);
    return;
  }
  try {
    const data = await post(form, url, []);
    if (data.reload) {
      location.reload();
      return;
    }
    showCounts(data.counts);
    insert(data.rows, true);
    showResult(data.message);
  } catch (error) {
    undoUrls.push(last);
    showFailure(error, true);
  }
  refresh();
}

/* Buttons */

form.addEventListener("submit", (event) => {
  const [name, pk] = (event.submitter?.value ?? "").split(" ");
  event.preventDefault();
  const row = pk && document.getElementById(`comment-${pk}`);
  const field = row?.querySelector(`textarea#${name}-${pk}`);
  decide(name, row ? [row] : selected(), field ?? null);
});
// The second click of a double click would be on the row that has moved up, or undo the decision before.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest(".decide, #undo")) {
    event.preventDefault();
    event.stopPropagation();
  }
}, { capture: true });
form.addEventListener("focusin", (event) => setCurrent(event.target.closest(".queue-comment") ?? current()));
form.addEventListener("change", showSelected);
// Otherwise, the letters of a reply would be taken for keyboard shortcuts.
form.addEventListener("toggle", ({ target }) => {
  if (target.open && target.matches(Object.values(PANELS).join()) && target.contains(document.activeElement)) {
    target.querySelector("textarea, a").focus();
  }
}, { capture: true });
const selectAll = document.getElementById("select-all");
selectAll.hidden = false;
selectAll.addEventListener("click", () => {
  rows().forEach((row) => {
    row.querySelector("[name=comment]").checked = true;
  });
  showSelected();
});
undoButton.addEventListener("click", undo);
document.getElementById("open-shortcuts").addEventListener("click", () => shortcuts.showModal());
shortcutsOn.addEventListener("change", () => {
  if (shortcutsOn.checked) {
    localStorage.removeItem(SHORTCUTS_OFF);
  } else {
    localStorage.setItem(SHORTCUTS_OFF, "1");
  }
});

/* Keyboard shortcuts */

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("textarea, select, input:not([type=checkbox])");
  if (isComposing(event) || shortcuts.open) {
    return;
  }
  if (field) {
    const open = field.closest("details");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && open) {
      event.preventDefault();
      if (!event.repeat) {
        form.requestSubmit(open.querySelector("button[type=submit]"));
      }
    } else if (event.key === "Escape" && open) {
      open.open = false;
      setCurrent(open.closest(".queue-comment"), true);
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !shortcutsOn.checked) {
    return;
  }
  const row = current();
  const key = letterOf(event) || event.key;
  if (key === "j" || key === "k") {
    move(key === "j" ? 1 : -1);
  } else if (event.repeat) {
    // Holding a key down must not decide about the following comments.
    return;
  } else if (key in ACTIONS) {
    const all = selected();
    decide(ACTIONS[key], all.length ? all : row ? [row] : []);
  } else if (key === "u") {
    undo();
  } else if (key === "?" || key === "؟") {
    shortcuts.showModal();
  } else if (key === "x" && row) {
    row.querySelector("[name=comment]").click();
  } else if (key === "o" && row?.querySelector(".rest")) {
    const rest = row.querySelector(".rest");
    rest.open = !rest.open;
  } else if (key in PANELS && row?.querySelector(PANELS[key])) {
    const panel = row.querySelector(PANELS[key]);
    panel.open = true;
    panel.querySelector("textarea, a").focus();
  } else {
    return;
  }
  event.preventDefault();
});
