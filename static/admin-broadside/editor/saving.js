/* Saving without leaving the page if possible, which preserves the browser's undo history, the caret and the selection.
 *
 * The form is sent as it would be without this script. Parts of the response replace the same parts of this page, but
 * fields stay as they are, except for values that the server has filled in. The browser handles any other response. */

import { timeout } from "../timeout.js";

const SETTLE = 8_000; // milliseconds that an autosave has to arrive

// Where messages are kept while the browser leads to a page that the server has already sent once with them.
const MESSAGES = "broadside-messages";

// The parts of the page with information from the server, in which nothing is typed.
const SAID = ["h1", ".trail", ".writing-state", ".writing-others", "#writing-review", "#writing-translations"];

/** Return whether this button saves a form that can be saved in place. */
export function savesInPlace(button) {
  return button?.name === "_step" && button.value === "save" && document.querySelector(".autosave-status") !== null;
}

/** Save the form, and resolve to whether the browser leaves the page.
 *
 * The form gets the event “saving” and then “saved”, whose `isComplete` means that nothing has been typed since, or
 * “unsaved”, whose `isRefused` means that the session has ended or a new one has begun. */
export async function saveInPlace(form, button) {
  const status = document.querySelector(".autosave-status");
  const failed = document.querySelector(".autosave-failed");
  const fields = new FormData(form);
  const sent = JSON.stringify([...fields]);
  fields.append(button.name, button.value);
  failed.hidden = true;
  status.textContent = form.querySelector(".editor-status").dataset.saving;
  tell(form, "saving");
  await settle(form);
  const { response, page } = await send(form.action, fields);
  const answer = page?.getElementById(form.id);
  status.textContent = "";
  if (!response || response.status >= 500) {
    failed.hidden = false;
    tell(form, "unsaved", { isRefused: false });
  } else if (response.status === 403 || page.getElementById("login-form")) {
    tell(form, "unsaved", { isRefused: true });
  } else if (response.redirected && answer && !page.querySelector(".autosave-note") && stepsOf(answer) === stepsOf(form)) {
    const isComplete = JSON.stringify([...new FormData(form)]) === sent;
    showSaved(form, page, answer, fields);
    history.replaceState(history.state, "", response.url);
    tell(form, "saved", { isComplete });
  } else if (response.redirected) {
    sessionStorage.setItem(MESSAGES, page.querySelector(".messagelist")?.outerHTML ?? "");
    location.assign(response.url);
    return true;
  } else if (answer && versionOf(answer) === versionOf(form) && page.querySelector(".writing-errors")) {
    showErrors(form, page, answer, fields);
    tell(form, "unsaved", { isRefused: false });
  } else {
    // For example, another user has changed the text. Nothing was saved, so the browser gets the same response.
    form.submit();
    return true;
  }
  return false;
}

/** Show the messages of the save that led to this page, if any. */
export function showMessages() {
  const messages = sessionStorage.getItem(MESSAGES);
  sessionStorage.removeItem(MESSAGES);
  if (messages && document.querySelector(".autosave-status")) {
    say(new DOMParser().parseFromString(messages, "text/html"));
  }
}

/** Resolve to whether the browser can leave the page by submitting `form`, and report it otherwise: instead of the text,
 * the browser would show only that there is no connection, or that one has to log in.
 *
 * If it can, the form gets the event “saving”, and “stayed” if it can be submitted again (editor.js). */
export async function prepareToLeave(form) {
  const { url, key, isNew } = document.getElementById("autosave")?.dataset ?? {};
  if (!url) {
    return true;
  }
  const failed = document.querySelector(".autosave-failed");
  const { response } = await send(url);
  const isRefused = response?.status === 401;
  failed.hidden = isRefused || response?.status < 500;
  if (isRefused || !failed.hidden) {
    tell(form, "unsaved", { isRefused });
    return false;
  }
  if (isNew) {
    // The back button then leads to what was saved, and not to a form that would save it once more.
    const own = new URL(location);
    own.searchParams.set("autosave", key);
    history.replaceState(history.state, "", own);
  }
  tell(form, "saving");
  await settle(form);
  return true;
}

/* Wait for an autosave that is under way. If it reached the server after the text was saved, its older text would be
 * offered as an unsaved version. */
async function settle(form) {
  const transmissions = [];
  tell(form, "settle", { transmissions });
  await Promise.race([Promise.all(transmissions), new Promise((resolve) => setTimeout(resolve, SETTLE))]);
}

/* Send the fields, if any, and return the response and its page, or nothing if the server can't be reached. */
async function send(url, fields) {
  try {
    const method = fields ? "POST" : "GET";
    const response = await fetch(url, { method, body: fields, signal: timeout() });
    return { response, page: new DOMParser().parseFromString(await response.text(), "text/html") };
  } catch {
    return {};
  }
}

function tell(form, type, detail) {
  form.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
}

/* Return the buttons beside the text, which depend on the status. */
function stepsOf(form) {
  return [...form.querySelectorAll(".writing-buttons [name=_step]")].map((button) => button.value).join();
}

function versionOf(form) {
  return form.elements.version?.value;
}

function showSaved(form, page, answer, fields) {
  clearErrors(form, answer);
  const past = ".messagelist, .autosave-note, section.autosave-offer, .conflict";
  document.querySelectorAll(past).forEach((element) => element.remove());
  document.title = page.title;
  addNew(page);
  for (const selector of SAID) {
    replace(document.querySelector(selector), page.querySelector(selector));
  }
  for (const shown of answer.querySelectorAll(".readonly")) {
    replace(form.querySelector(`${fieldSelector(shown)} .readonly`), shown);
  }
  for (const selector of [".writing-buttons [formaction]", ".writing-check"]) {
    for (const name of ["formaction", "formtarget"]) {
      form.querySelector(selector).setAttribute(name, answer.querySelector(selector).getAttribute(name));
    }
  }
  fillIn(form, answer, fields);
  updateCategories(form, answer, fields);
  for (const selector of ["#autosave", "#id_source"]) {
    Object.assign(document.querySelector(selector).dataset, page.querySelector(selector).dataset);
  }
  say(page);
}

/* Add what a new text did not have: further sections and lines of the panel, and the form for notes. */
function addNew(page) {
  let previous = document.querySelector(".writing-panel-head");
  for (const section of page.querySelectorAll("#writing-panel > details")) {
    const selector = section.id ? `#${section.id}` : `[data-section="${section.dataset.section}"]`;
    const own = document.querySelector(`#writing-panel > ${selector}`);
    if (own) {
      const lines = [...section.querySelectorAll(".writing-field")];
      own.append(...lines.filter((line) => !own.querySelector(fieldSelector(line))));
    } else {
      previous.after(section.cloneNode(true));
    }
    previous = own ?? previous.nextElementSibling;
  }
  const notes = page.getElementById("review-notes-form");
  if (notes && !document.getElementById(notes.id)) {
    document.querySelector(".writing-form").after(notes);
  }
}

function replace(own, other) {
  if (own && other && !own.isEqualNode(other) && !own.contains(document.activeElement)) {
    own.replaceWith(other);
  }
}

/* Fill in the version, which detects conflicts, and values changed by the server but not by the user since. */
function fillIn(form, answer, fields) {
  for (const name of ["version", "autosave", "translation_of", "original_version"]) {
    const [own, other] = [form.elements[name], answer.elements[name]];
    if (own && other) {
      own.value = other.value;
    } else if (other) {
      form.append(other);
    } else {
      own?.remove();
    }
  }
  const filled = "input:is([type=text], [type=datetime-local])[name], textarea:is(#id_title, [data-suggest])";
  for (const other of answer.querySelectorAll(filled)) {
    const own = form.elements[other.name];
    if (own?.value === fields.get(other.name) && own.value !== other.value) {
      own.value = other.value;
      // Tags are shown as chips.
      own.dispatchEvent(new Event("input"));
    }
  }
}

/* Show a category that was added with the text in the list, and among the parents of the next one. Remove those that
 * others have deleted. */
function updateCategories(form, answer, fields) {
  const list = form.querySelector("#id_categories");
  for (const own of form.querySelectorAll("#id_categories input")) {
    if (!answer.querySelector(`#id_categories [value="${own.value}"]`)) {
      own.closest("#id_categories > *").remove();
    }
  }
  [...(answer.querySelector("#id_categories")?.children ?? [])].forEach((row, index) => {
    const other = row.querySelector("input");
    const own = list.querySelector(`[value="${other.value}"]`);
    if (!own) {
      list.insertBefore(row, list.children[index] ?? null);
    } else if (own.checked === fields.getAll("categories").includes(own.value)) {
      own.checked = other.checked;
    }
  });
  const [own, other] = [form, answer].map((each) => each.elements.new_category_parent);
  if (own && other) {
    const value = own.value === fields.get(own.name) ? other.value : own.value;
    own.replaceChildren(...other.children);
    own.value = value;
  }
}

/* Show success where autosaving reports, so that nothing moves. Other messages stay above it. */
function say(page) {
  const status = document.querySelector(".autosave-status");
  const messages = page.querySelector(".messagelist");
  const success = [...(messages?.querySelectorAll(".success") ?? [])];
  status.replaceChildren(
    ...success.flatMap((message) => {
      const words = document.createElement("span");
      words.className = "success";
      words.append(...message.childNodes);
      message.remove();
      return [words, " "];
    }),
  );
  if (messages?.children.length) {
    messages.setAttribute("role", "status");
    status.before(messages);
  }
}

/* Show errors as the page in the response does: listed at the top, where the focus goes, and at their fields. */
function showErrors(form, page, answer, fields) {
  clearErrors(form, answer);
  updateCategories(form, answer, fields);
  for (const list of answer.querySelectorAll("ul.errorlist")) {
    const field = form.querySelector(fieldSelector(list));
    const row = field?.querySelector(".flex-container") ?? field;
    // In the panel, errors come after the field; elsewhere, before it.
    row?.insertBefore(list, row === field ? row.querySelector(":scope > .help") : row.lastElementChild);
    row?.classList.add("errors");
    field?.closest("details")?.setAttribute("open", "");
  }
  for (const other of answer.querySelectorAll("[aria-invalid]")) {
    const own = document.getElementById(other.id);
    own?.setAttribute("aria-invalid", "true");
    own?.setAttribute("aria-describedby", other.getAttribute("aria-describedby"));
  }
  const errors = page.querySelector(".writing-errors");
  form.querySelector(".writing-dock").after(errors);
  errors.focus();
}

function clearErrors(form, answer) {
  form.querySelectorAll("ul.errorlist, .writing-errors").forEach((element) => element.remove());
  form.querySelectorAll(".errors").forEach((element) => element.classList.remove("errors"));
  for (const own of form.querySelectorAll("[aria-invalid]")) {
    const described = answer.querySelector(`#${own.id}`)?.getAttribute("aria-describedby");
    own.removeAttribute("aria-invalid");
    own.removeAttribute("aria-describedby");
    if (described) {
      own.setAttribute("aria-describedby", described);
    }
  }
}

/* Return the selector of the field to which an element belongs. */
function fieldSelector(element) {
  const field = element.closest("[class*='field-']");
  return `.${[...field.classList].find((name) => name.startsWith("field-"))}`;
}
