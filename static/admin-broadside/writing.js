/* The panel beside the text, which can be closed. On a phone, it is a sheet over the text. Links in the list of errors
 * also lead to fields in it. Without this script, the panel is always open. */

import { describe } from "./editor/descriptions.js";
import { addListSearch } from "./list_search.js";
import { timeout } from "./timeout.js";

const panel = document.getElementById("writing-panel");
const buttons = document.querySelectorAll(".writing-panel-button");
const done = panel.querySelector(".writing-panel-close");
const isWide = matchMedia("(min-width: 64em)");
const CLOSED = "writing-panel-closed";
const CLOSED_SECTIONS = "writing-sections-closed";

for (const button of buttons) {
  button.hidden = false;
  button.addEventListener("click", () => {
    if (panel.open) {
      panel.close();
    } else {
      openPanel();
    }
    if (isWide.matches) {
      localStorage.setItem(CLOSED, panel.open ? "" : "1");
    }
  });
}
done.addEventListener("click", () => panel.close());
panel.addEventListener("close", update);
panel.addEventListener("click", (event) => {
  // The backdrop belongs to the sheet.
  if (event.target === panel && !isWide.matches) {
    panel.close();
  }
});
isWide.addEventListener("change", arrange);
arrange();

/** Show the panel beside the text, or hide the sheet until it is opened. */
function arrange() {
  panel.close();
  if (isWide.matches && !localStorage.getItem(CLOSED)) {
    panel.open = true;
  }
  done.hidden = isWide.matches;
  update();
}

export function openPanel() {
  if (isWide.matches) {
    // Not `show`, which would move the focus.
    panel.open = true;
  } else if (!panel.open) {
    panel.showModal();
  }
  update();
}

/** Close the sheet, which covers the text. A panel beside it stays. */
export function closeSheet() {
  if (!isWide.matches) {
    panel.close();
  }
}

function update() {
  for (const button of buttons) {
    button.setAttribute("aria-expanded", String(panel.open));
  }
}

/* Sections that were closed stay closed, unless there is an error in them. */
const closedSections = new Set((localStorage.getItem(CLOSED_SECTIONS) ?? "").split(" "));
for (const section of panel.querySelectorAll("[data-section]")) {
  const name = section.dataset.section;
  if (closedSections.has(name) && !section.querySelector(".errorlist")) {
    section.open = false;
  }
  section.addEventListener("toggle", () => {
    closedSections[section.open ? "delete" : "add"](name);
    localStorage.setItem(CLOSED_SECTIONS, [...closedSections].join(" "));
  });
}

/* Many categories can be searched, and the first one that the text is in is in view. */
const categories = document.getElementById("id_categories");
if (categories) {
  const search = addListSearch(categories, [...categories.children], categories.closest("[data-section]").dataset);
  search?.addEventListener("keydown", (event) => {
    // Enter would save the text.
    if (event.key === "Enter") {
      event.preventDefault();
    }
  });
}
const chosen = categories?.querySelector(":checked");
if (chosen) {
  const below = chosen.getBoundingClientRect().top - categories.getBoundingClientRect().top;
  categories.scrollTop = below - categories.clientHeight / 2;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".writing-errors a[href^='#']");
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target) {
    return;
  }
  event.preventDefault();
  if (panel.contains(target) && !panel.open) {
    openPanel();
  }
  for (let parent = target.closest("details"); parent; parent = parent.parentElement.closest("details")) {
    parent.open = true;
  }
  const field = target.matches("input, select, textarea") ? target : target.querySelector("input");
  (field ?? target).focus();
});

/* The title is a single line, however many it takes on the screen, so Enter leads from it to the text. */
document.querySelector("textarea#id_title")?.addEventListener("beforeinput", (event) => {
  if (event.inputType === "insertLineBreak") {
    event.preventDefault();
    event.target.form.elements.source.focus();
  }
});

/* A time in the future hides a published text until then, so what saves it says “Schedule”, as for a draft. */
const time = document.querySelector("[data-state=published]") && panel.querySelector("#id_published_at");
const saving = [...document.querySelectorAll("[name=_step][value=save]")];
const labels = saving.map((button) => button.textContent);
time?.addEventListener("input", () => {
  const { zone, schedule } = panel.querySelector("[data-zone]").dataset;
  // In Swedish, times look like the values of the field.
  const isLater = time.value > new Date().toLocaleString("sv", { timeZone: zone }).replace(" ", "T");
  saving.forEach((button, index) => {
    button.value = isLater ? "schedule" : "save";
    button.textContent = isLater && labels[index].trim() ? schedule : labels[index];
  });
});

/* “Schedule…” and “Return to author…” close like menus: otherwise, they would cover what has the focus. While the list of errors
 * has it, the error is shown at its field as well. */
document.addEventListener("focusin", ({ target }) => {
  for (const menu of document.querySelectorAll(".writing-menu[open]")) {
    menu.open = menu.contains(target) || target.closest(".writing-errors") !== null;
  }
});
for (const menu of document.querySelectorAll(".writing-menu")) {
  const button = menu.querySelector("summary");
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      button.focus();
    } else if (event.key === "Enter" && event.target.matches("input")) {
      // The browser would press the first button of the form, which saves a draft.
      event.preventDefault();
      menu.querySelector("button").click();
    }
  });
  menu.addEventListener("toggle", () => {
    // When the page opens with an error here, the list of errors has the focus.
    if (menu.open && document.activeElement === button) {
      menu.querySelector("input, textarea").focus();
    }
  });
}

/* Put the description that the library has for an image into the text. */
document.getElementById("writing-panel").addEventListener("click", (event) => {
  const use = event.target.closest(".writing-describe");
  if (!use) {
    return;
  }
  const status = document.querySelector(".writing-check-status");
  const isDone = describe(document.getElementById("id_source"), use.dataset.url, use.dataset.alt);
  status.textContent = isDone ? status.dataset.described : status.dataset.missing;
  use.closest("li").remove();
});

/* “Check the text” puts the advice into the panel. Without this script, it opens a separate page. */
const check = document.querySelector(".writing-check");
check?.addEventListener("click", (event) => {
  event.preventDefault();
  if (!check.hasAttribute("aria-busy")) {
    checkText();
  }
});
// The featured image was described in another tab, so advice about it is outdated.
check?.form.addEventListener("described", checkText);

async function checkText() {
  const status = document.querySelector(".writing-check-status");
  status.textContent = "";
  check.setAttribute("aria-busy", "true");
  try {
    const body = new FormData(check.form);
    const response = await fetch(check.formAction, { method: "POST", body, signal: timeout() });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const review = page.getElementById("writing-review");
    if (review) {
      document.getElementById("writing-review").replaceWith(review);
    }
    status.textContent = review ? status.dataset.done : status.dataset.failed;
  } catch {
    status.textContent = status.dataset.failed;
  }
  check.removeAttribute("aria-busy");
}

/* The buttons for translations update the section in place. Without this script, they open a separate page. */
panel.addEventListener("click", async (event) => {
  const pressed = event.target.closest("#writing-translations button[name]");
  if (pressed && pressed.name !== "_write") {
    event.preventDefault();
    if (!pressed.hasAttribute("aria-busy")) {
      await submitTranslations(pressed);
    }
  }
});
panel.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.name === "translation_words") {
    // The button would save the text.
    event.preventDefault();
    document.querySelector("#writing-translations [name=_search]").click();
  }
});

async function submitTranslations(pressed) {
  const section = document.getElementById("writing-translations");
  const status = document.getElementById("writing-translations-status");
  status.textContent = "";
  pressed.setAttribute("aria-busy", "true");
  try {
    const body = new FormData();
    body.set("csrfmiddlewaretoken", pressed.form.elements.csrfmiddlewaretoken.value);
    body.set("translation_words", section.querySelector("[name=translation_words]")?.value ?? "");
    body.set(pressed.name, pressed.value);
    const response = await fetch(pressed.formAction, { method: "POST", body, signal: timeout() });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const message = page.querySelector(".messagelist")?.textContent.trim();
    const found = page.querySelector(".writing-found")?.textContent.trim();
    section.replaceWith(page.getElementById("writing-translations"));
    // The number of results is in the section as well.
    status.classList.toggle("visually-hidden", !message);
    status.textContent = message ?? found ?? "";
    document.getElementById("id_translation_words")?.focus();
  } catch {
    status.classList.remove("visually-hidden");
    status.textContent = status.dataset.failed;
    pressed.removeAttribute("aria-busy");
  }
}
