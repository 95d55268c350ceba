/* The menu after `/` in the visual mode. It opens when `/` is typed at the beginning of a paragraph, with the same
 * commands as in Markdown (../slash_menu.js). The paragraph keeps the focus. */

import { Plugin } from "../../../vendor/prosemirror/prosemirror.js";
import { isComposing } from "../../keyboard.js";
import { commandsFor, menuOf } from "../slash_menu.js";
import { schema } from "./schema.js";

// What the text is for assistive technology. With a menu, it can't be a text box.
const WITH_MENU = { role: "combobox", "aria-multiline": null, "aria-controls": "editor-menu", "aria-expanded": "true" };
const WITHOUT_MENU = { role: "textbox", "aria-multiline": "true", "aria-controls": null, "aria-expanded": null, "aria-activedescendant": null };

/** Return the plugin. `run` runs a command by the name of its button. */
export function slashMenu(box, run) {
  let menu = null;

  return new Plugin({
    props: {
      handleKeyDown,
      handleDOMEvents: { blur: close },
    },
    view: () => ({
      update(view, before) {
        const typed = typedIn(view.state);
        if (view.state.doc !== before.doc || typed === null) {
          close(view);
          const found = typed === null ? [] : commandsFor(box, typed);
          if (found.length) {
            open(view, found);
          }
        }
      },
      destroy: () => menu?.remove(),
    }),
  });

  function open(view, found) {
    menu = menuOf(found);
    // Otherwise, the paragraph would lose the focus.
    menu.addEventListener("mousedown", (event) => event.preventDefault());
    menu.addEventListener("click", ({ target }) => choose(view, target.closest("li")));
    box.querySelector(".editor-panes").append(menu);
    setAttributes(view.dom, WITH_MENU);
    place(view);
    select(view, menu.firstElementChild);
  }

  /** Put the menu below the caret, or above it if there is no room below. */
  function place(view) {
    const caret = view.coordsAtPos(view.state.selection.from);
    const panes = menu.parentElement.getBoundingClientRect();
    const isRightToLeft = getComputedStyle(menu).direction === "rtl";
    const left = caret.left - panes.left - (isRightToLeft ? menu.offsetWidth : 0);
    const isAbove = caret.bottom + menu.offsetHeight > window.innerHeight && caret.top > menu.offsetHeight;
    menu.style.left = `${Math.max(0, Math.min(left, panes.width - menu.offsetWidth))}px`;
    menu.style.top = `${isAbove ? caret.top - panes.top - menu.offsetHeight : caret.bottom - panes.top}px`;
  }

  function close(view) {
    if (menu) {
      menu.remove();
      menu = null;
      setAttributes(view.dom, WITHOUT_MENU);
    }
  }

  function select(view, item) {
    for (const each of menu.children) {
      each.setAttribute("aria-selected", String(each === item));
    }
    view.dom.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  }

  function choose(view, item) {
    const { $from } = view.state.selection;
    close(view);
    view.dispatch(view.state.tr.delete($from.start(), $from.end()));
    run(item.dataset.tool);
  }

  function handleKeyDown(view, event) {
    if (!menu || isComposing(event)) {
      return false;
    }
    const selected = menu.querySelector('[aria-selected="true"]');
    if (event.key === "ArrowDown") {
      select(view, selected.nextElementSibling ?? menu.firstElementChild);
    } else if (event.key === "ArrowUp") {
      select(view, selected.previousElementSibling ?? menu.lastElementChild);
    } else if (event.key === "Enter" || event.key === "Tab") {
      choose(view, selected);
    } else if (event.key === "Escape") {
      // Not what Escape does elsewhere, such as leaving distraction-free writing.
      event.stopPropagation();
      close(view);
    } else {
      return false;
    }
    return true;
  }
}

/** Set these attributes, and remove those without a value. */
function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) {
      element.removeAttribute(name);
    } else {
      element.setAttribute(name, value);
    }
  }
}

/** Return what was typed after the `/` that begins the paragraph, up to the caret at its end; null if it isn't one. */
function typedIn({ selection }) {
  const { parent, parentOffset } = selection.$from;
  const isAtEnd = selection.empty && parent.type === schema.nodes.paragraph && parentOffset === parent.content.size;
  return isAtEnd ? (/^\/(\S*)$/.exec(parent.textContent)?.[1] ?? null) : null;
}
