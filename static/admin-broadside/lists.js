/* “Quick edit” in the lists of posts and pages, in a dialog, and moving entries to the trash and back, in place. Without
 * this script, these lead to other pages. */

import { element } from "./elements.js";
import { attempt } from "./failure.js";
import { enhance } from "./tags.js";
import { timeout } from "./timeout.js";

const FRAGMENT = { headers: { "X-Broadside-Fragment": "1" } };

// It exists from the start, so screen readers announce what appears in it.
const result = element("div", { role: "status" });
document.getElementById("content").before(result);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.quick-link");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    // A second click, for example on a slow line, would open a second dialog.
    if (!link.hasAttribute("aria-busy")) {
      quickEdit(link);
    }
  }
});

async function quickEdit(link) {
  const response = await attempt(link, () => send(link.href, FRAGMENT));
  if (!response?.isFragment) {
    // For example, the session has ended.
    response && location.assign(link.href);
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.className = "quick-dialog";
  dialog.setAttribute("aria-labelledby", "quick-heading");
  document.body.append(dialog);
  show(dialog, response.html);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target.closest(".quick-cancel")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    save(dialog, event.target, link);
  });
  dialog.showModal();
  dialog.querySelector("[name=title]").focus();
}

/* Return the HTML at `url`, and whether it is a fragment rather than another page, such as the login; null if the server
 * can't be reached or has an error. */
async function send(url, options) {
  try {
    const response = await fetch(url, { ...options, signal: timeout() });
    return response.status < 500 ? { html: await response.text(), isFragment: response.ok && !response.redirected } : null;
  } catch {
    return null;
  }
}

async function save(dialog, form, link) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  const response = await send(form.action, { ...FRAGMENT, method: "POST", body: new FormData(form) });
  button.disabled = false;
  if (!response?.isFragment) {
    form.querySelector(".quick-failure").hidden = false;
  } else if (response.html) {
    show(dialog, response.html);
    const faulty = dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("[name=title]");
    faulty.focus();
    dialog.scrollTop = 0;
  } else {
    const row = link.closest("tr");
    const page = listIn(await send(location.href));
    if (!page) {
      location.reload();
      return;
    }
    update(row, page);
    dialog.close();
    focusRow(row);
  }
}

document.getElementById("changelist-form")?.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.matches(".row-moves")) {
    event.preventDefault();
    if (!button.hasAttribute("aria-busy")) {
      move(button);
    }
  }
});

/* Move the entry of a row to the trash, or back. The place in the list, the focus and the selection stay. */
async function move(button) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", button.form.elements.csrfmiddlewaretoken.value);
  const response = await attempt(button, () => send(button.formAction, { method: "POST", body }));
  const page = listIn(response);
  if (page) {
    const row = button.closest("tr");
    update(row, page);
    focusRow(row);
  } else if (response) {
    // The browser shows why not, for example that the session has ended.
    button.classList.remove("row-moves");
    button.form.requestSubmit(button);
  }
}

/* Return the list in a response; null if it is another page. */
function listIn(response) {
  const page = new DOMParser().parseFromString(response?.html ?? "", "text/html");
  return page.querySelector("#changelist-form, .list-empty") && page;
}

/* Update this row, the tabs and the messages. The checkboxes stay, because Django's script refers to them. */
function update(row, page) {
  const box = row.querySelector(".action-select");
  const fresh = page.querySelector(`.action-select[value="${box.value}"]`)?.closest("tr");
  const messages = page.querySelector(".messagelist");
  const cells = fresh ? [...fresh.cells].slice(1) : [placeholder(row, messages)];
  [...row.cells].slice(1).forEach((cell) => cell.remove());
  row.append(...cells);
  box.checked &&= Boolean(fresh) && !box.disabled;
  box.hidden = box.disabled = !fresh;
  countSelected(box);
  document.querySelector(".tabs").replaceWith(page.querySelector(".tabs"));
  document.querySelector(".messagelist")?.remove();
  result.replaceChildren(...(fresh && messages ? [messages] : []));
}

/* Let Django's script count the rows that can be selected now, of which `changed` is or was one. */
function countSelected(changed) {
  const boxes = document.querySelectorAll(".action-select:enabled");
  if (boxes.length) {
    document.querySelector(".action-counter").dataset.actionsIcnt = boxes.length;
    window.Actions(boxes);
    changed.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/* Return a cell for a row whose entry no longer belongs to this list: its title, and the message with the button that
 * undoes this. */
function placeholder(row, messages) {
  const title = row.querySelector(".entry-title, .row-moved bdi").textContent;
  const colspan = row.closest("table").tHead.rows[0].cells.length - 1;
  const cell = element("td", { class: "row-moved", colspan, tabindex: -1 }, element("bdi", {}, title), " ");
  for (const message of messages?.children ?? []) {
    const undo = message.querySelector("form.undo");
    if (undo) {
      // The row is in a form, which can't contain another one.
      const attributes = { class: "button row-moves", formaction: undo.getAttribute("action") };
      undo.replaceWith(element("button", attributes, undo.textContent.trim()));
    }
    cell.append(...message.childNodes);
  }
  return cell;
}

function focusRow(row) {
  (row.querySelector(".row-moved, a.quick-link") ?? row.querySelector("a")).focus();
}

function show(dialog, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  dialog.replaceChildren(template.content.firstElementChild);
  dialog.querySelectorAll("textarea[data-suggest]").forEach(enhance);
}
