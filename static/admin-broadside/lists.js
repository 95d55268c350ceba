/* “Quick edit” in the lists of posts and pages, in a dialog. Without this script, it leads to a separate page. */

import { enhance } from "./tags.js";

const FRAGMENT = { headers: { "X-Broadside-Fragment": "1" } };

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
  link.setAttribute("aria-busy", "true");
  const html = await fragment(link.href, FRAGMENT);
  link.removeAttribute("aria-busy");
  if (!html) {
    location.assign(link.href);
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.className = "quick-dialog";
  dialog.setAttribute("aria-labelledby", "quick-heading");
  document.body.append(dialog);
  show(dialog, html);
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

/* Return the HTML at `url`; "" if there is none (the form was saved); null if it failed or the user has to log in. */
async function fragment(url, options) {
  try {
    const response = await fetch(url, options);
    return response.ok && !response.redirected ? await response.text() : null;
  } catch {
    return null;
  }
}

async function save(dialog, form, link) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  const html = await fragment(form.action, { ...FRAGMENT, method: "POST", body: new FormData(form) });
  button.disabled = false;
  if (html === null) {
    form.querySelector(".quick-failure").hidden = false;
  } else if (html) {
    show(dialog, html);
    const faulty = dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("[name=title]");
    faulty.focus();
    dialog.scrollTop = 0;
  } else {
    const row = link.closest("tr");
    await refresh(row);
    dialog.close();
    const next = row.isConnected ? row.querySelector("a.quick-link") ?? row.querySelector("a") : null;
    (next ?? document.querySelector(".tabs a")).focus();
  }
}

/* Update this row, the tabs and the messages. The checkboxes stay, because the admin's script refers to them. */
async function refresh(row) {
  const response = await fetch(location.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const box = row.querySelector(".action-select");
  const fresh = page.querySelector(`.action-select[value="${box.value}"]`)?.closest("tr");
  if (fresh) {
    const cells = [...fresh.cells].slice(1);
    [...row.cells].slice(1).forEach((cell) => cell.remove());
    row.append(...cells);
  } else {
    // The entry no longer belongs to this list.
    box.checked = false;
    row.remove();
  }
  document.querySelector(".tabs").replaceWith(page.querySelector(".tabs"));
  document.querySelector(".messagelist")?.remove();
  const messages = page.querySelector(".messagelist");
  if (messages) {
    messages.setAttribute("role", "status");
    document.querySelector("#content").before(messages);
  }
}

function show(dialog, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  dialog.replaceChildren(template.content.firstElementChild);
  dialog.querySelectorAll("textarea[data-suggest]").forEach(enhance);
}
