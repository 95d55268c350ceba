/* The panel beside the text: it can be closed, and on a phone it is a sheet over the text. Links in the list of errors
 * lead to fields in it, too. Without this script, the panel is always open. */

const panel = document.getElementById("writing-panel");
const button = document.querySelector(".writing-panel-button");
const done = panel.querySelector(".writing-panel-close");
const isWide = matchMedia("(min-width: 64em)");
const CLOSED = "writing-panel-closed";

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

/** Show the panel beside the text, or hide the sheet until it is wanted. */
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
  button.setAttribute("aria-expanded", String(panel.open));
}

for (const link of document.querySelectorAll(".writing-errors a[href^='#']")) {
  link.addEventListener("click", (event) => {
    const target = document.getElementById(link.hash.slice(1));
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
}

/* “Schedule…” and “Return to author…” close like menus. */
for (const menu of document.querySelectorAll(".writing-menu")) {
  const button = menu.querySelector("summary");
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      button.focus();
    }
  });
  menu.addEventListener("toggle", () => {
    // When the page opens with an error here, the list of errors has the focus.
    if (menu.open && document.activeElement === button) {
      menu.querySelector("input, textarea").focus();
    }
  });
}

/* “Check the text” puts the advice into the panel. Without this script it opens a page of its own. */
const check = document.querySelector(".writing-check");
check?.addEventListener("click", async (event) => {
  event.preventDefault();
  const status = document.querySelector(".writing-check-status");
  status.textContent = "";
  try {
    const response = await fetch(check.formAction, { method: "POST", body: new FormData(check.form) });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const review = page.getElementById("writing-review");
    if (review) {
      document.getElementById("writing-review").replaceWith(review);
    }
    status.textContent = review ? status.dataset.done : status.dataset.failed;
  } catch {
    status.textContent = status.dataset.failed;
  }
});
