/* The menu that opens when a line begins with `/`: the toolbar's commands, found by the beginnings of their words. */

import "../../vendor/text-expander-element/text-expander.js";
import { element } from "../elements.js";
import { replace } from "./text.js";

export function addSlashMenu(box, field, run) {
  const expander = box.querySelector("text-expander");

  expander.addEventListener("text-expander-change", (event) => {
    const start = field.value.lastIndexOf("\n", field.selectionEnd - 1) + 1;
    const isAlone = field.value.slice(start, field.selectionEnd) === `/${event.detail.text}`;
    const found = isAlone ? commandsFor(box, event.detail.text) : [];
    if (found.length) {
      event.detail.provide(Promise.resolve({ matched: true, fragment: menuOf(found) }));
    }
  });
  // The menu is positioned only in the next frame.
  expander.addEventListener("text-expander-activate", () => requestAnimationFrame(() => keepVisible(expander)));
  expander.addEventListener("text-expander-value", (event) => {
    // The element itself would replace the whole text, so that nothing could be undone.
    event.preventDefault();
    expander.dismiss();
    const start = field.value.lastIndexOf("\n", field.selectionEnd - 1) + 1;
    replace(field, start, field.selectionEnd, "");
    run(event.detail.item.dataset.tool);
  });
}

/** Move the menu above the line if there is no room below it. */
function keepVisible(expander) {
  const menu = expander.querySelector(".editor-menu");
  const { top, bottom, height } = menu?.getBoundingClientRect() ?? {};
  if (bottom > window.innerHeight && top > height) {
    menu.style.marginBlockStart = `calc(${-height}px - 2.5em)`;
  }
}

/** Return the buttons of the commands that insert something and have a word that begins with `typed`. */
export function commandsFor(box, typed) {
  const buttons = [...box.querySelectorAll(".editor-toolbar [data-inserts]")];
  return buttons.filter((button) => hasWord(labelOf(button), typed.toLocaleLowerCase()));
}

function labelOf(button) {
  return button.getAttribute("aria-label");
}

function hasWord(label, typed) {
  const words = label.toLocaleLowerCase();
  return words.startsWith(typed) || words.split(/[^\p{L}\p{M}\p{N}]+/u).some((word) => word.startsWith(typed));
}

/** Return the menu of these buttons. */
export function menuOf(buttons) {
  const label = buttons[0].closest("[role=toolbar]").getAttribute("aria-label");
  const menu = element("ul", { class: "editor-menu", id: "editor-menu", role: "listbox", "aria-label": label });
  for (const [index, button] of buttons.entries()) {
    const attributes = { id: `editor-menu-${index}`, role: "option", "data-tool": button.dataset.tool };
    menu.append(element("li", attributes, button.querySelector("svg").cloneNode(true), labelOf(button)));
  }
  return menu;
}
