/* The toolbar and its shortcuts. The keys are in the template, so that buttons and the list of shortcuts agree.
 *
 * Follows the pattern "toolbar" of the ARIA Authoring Practices: one Tab stop, and arrow keys inside it. */

import { digitOf, isMac, letterOf } from "../keyboard.js";

/** Show the toolbar, and return a function that runs a command by the name of its button.
 *
 * `others` are the commands that open a dialog, and so don't belong to a mode.
 */
export function addToolbar(box, field, modes, others) {
  const toolbar = box.querySelector(".editor-toolbar");
  const buttons = [...toolbar.querySelectorAll("button")];
  const run = (name) => (others[name] ?? modes.current.commands[name])();

  toolbar.hidden = false;
  for (const [index, button] of buttons.entries()) {
    button.tabIndex = index ? -1 : 0;
    const keys = keysOf(button);
    if (keys) {
      button.title += ` (${keys})`;
    }
    button.addEventListener("click", () => run(button.dataset.tool));
  }
  toolbar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const current = buttons.indexOf(event.target);
    const direction = getComputedStyle(toolbar).direction === "rtl" ? -1 : 1;
    const next =
      { Home: 0, End: buttons.length - 1 }[event.key] ?? (step && (current + step * direction + buttons.length) % buttons.length);
    if (next !== undefined && current >= 0) {
      event.preventDefault();
      focus(buttons[next]);
    }
  });
  toolbar.addEventListener("focusin", (event) => event.target.matches("button") && moveTabStop(event.target));

  // Ctrl+S works anywhere in the form, other shortcuts only in the text.
  field.form.addEventListener("keydown", (event) => {
    if (isShortcut(event) && letterOf(event) === "s" && !event.shiftKey) {
      event.preventDefault();
      save(field.form);
    }
  });
  box.querySelector(".editor-panes").addEventListener("keydown", (event) => {
    const button = isShortcut(event) && buttons.find((each) => isPressed(each.dataset.keys, event));
    // The description of an image has no formatting.
    if (button && !event.target.closest(".visual-image")) {
      event.preventDefault();
      run(button.dataset.tool);
    }
  });
  return run;

  function focus(button) {
    moveTabStop(button);
    button.focus();
  }

  function moveTabStop(button) {
    for (const each of buttons) {
      each.tabIndex = each === button ? 0 : -1;
    }
  }
}

/** Return the keys of an element as they are printed on the keyboard, such as “Ctrl+Shift+7”. Keyboards other than those
 * of a Mac may have `others`. */
export function keysOf(element) {
  const { keys, others } = element.dataset;
  if (others && !isMac) {
    return others;
  }
  return keys && (isMac ? `⌘${keys.replace("Shift+", "⇧")}` : `Ctrl+${keys}`);
}

function isShortcut(event) {
  // Ctrl and Alt together are AltGr, with which people type characters.
  return (isMac ? event.metaKey : event.ctrlKey) && !event.altKey && !event.isComposing;
}

function isPressed(keys, event) {
  const key = keys?.split("+").at(-1).toLowerCase();
  return Boolean(key) && [letterOf(event), digitOf(event)].includes(key) && event.shiftKey === keys.startsWith("Shift+");
}

/** Press the button that saves, which may be anywhere on the page. */
function save(form) {
  const buttons = [...form.elements].filter((element) => element.type === "submit");
  const primary = buttons.find((button) => "primary" in button.dataset);
  (primary ?? buttons.find((button) => button.name === "_continue") ?? buttons[0])?.click();
}
