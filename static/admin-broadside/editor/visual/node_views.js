/* How the visual mode shows images, the “Read more” break, and Markdown that it doesn't know. */

import { NodeSelection } from "../../../vendor/prosemirror/prosemirror.js";
import { element } from "../../elements.js";
import { isComposing } from "../../keyboard.js";
import { moveBlock } from "./commands.js";

/** Return the views by node. `texts` are the labels in the language of the admin. */
export function nodeViews(texts) {
  return {
    image: (node, view, getPosition) => new ImageView(node, view, getPosition, texts),
    more: () => ({ dom: element("div", { class: "visual-more" }, texts.more) }),
    raw_block: (node, view, getPosition) => new RawBlockView(node, view, getPosition, texts),
  };
}

/** An image with buttons to move and remove it, and fields for its description and its caption. */
class ImageView {
  constructor(node, view, getPosition, texts) {
    this.dom = element("span", { class: "visual-image" });
    this.head = buttonsFor(view, getPosition, texts);
    this.image = element("img", {});
    this.inputs = { alt: this.input("alt", texts.describe), title: this.input("title", texts.caption) };
    this.dom.append(this.image, this.head, ...Object.values(this.inputs));
    this.view = view;
    this.getPosition = getPosition;
    this.update(node);
  }

  /* Return a field for an attribute of the image, which is on one line in the source. */
  input(name, label) {
    const attributes = { rows: 2, dir: "auto", autocomplete: "off", placeholder: label, "aria-label": label };
    const input = element("textarea", attributes);
    input.addEventListener("input", (event) => {
      // The text changes, not a field of the form.
      event.stopPropagation();
      this.view.dispatch(this.view.state.tr.setNodeAttribute(this.getPosition(), name, input.value.replace(/\s*\n\s*/g, " ")));
    });
    input.addEventListener("keydown", (event) => {
      if ((event.key === "Enter" || event.key === "Escape") && !isComposing(event)) {
        event.preventDefault();
        event.stopPropagation();
        const { state } = this.view;
        this.view.dispatch(state.tr.setSelection(NodeSelection.create(state.doc, this.getPosition())));
        this.view.focus();
      }
    });
    return input;
  }

  update(node) {
    if (node.type.name !== "image") {
      return false;
    }
    const { src, alt } = node.attrs;
    if (this.image.getAttribute("src") !== src) {
      this.image.src = src;
    }
    this.image.alt = alt;
    for (const [name, input] of Object.entries(this.inputs)) {
      const value = node.attrs[name] ?? "";
      if (input.value !== value) {
        input.value = value;
      }
    }
    return true;
  }

  stopEvent(event) {
    return this.head.contains(event.target) || Object.values(this.inputs).includes(event.target);
  }

  ignoreMutation() {
    return true;
  }
}

/** Markdown as code, with buttons to move and remove it. */
class RawBlockView {
  constructor(node, view, getPosition, texts) {
    this.texts = texts;
    this.head = buttonsFor(view, getPosition, texts);
    this.kind = element("span", {});
    this.head.prepend(this.kind);
    this.contentDOM = element("pre", { dir: "auto" });
    this.dom = element("div", { class: "visual-raw-block" }, this.head, this.contentDOM);
    this.update(node);
  }

  update(node) {
    if (node.type.name !== "raw_block") {
      return false;
    }
    const source = node.textContent;
    const kind = /^\s*\[\^/.test(source) ? "footnote" : /^\s*</.test(source) ? "html" : /^.*\|.*\n.*-/.test(source) ? "table" : "markdown";
    const label = this.texts[kind];
    if (this.kind.textContent !== label) {
      this.kind.textContent = label;
    }
    return true;
  }

  stopEvent(event) {
    return this.head.contains(event.target);
  }

  ignoreMutation(mutation) {
    return !this.contentDOM.contains(mutation.target) && mutation.type !== "selection";
  }
}

/** Return buttons to move and remove the node at a position. */
function buttonsFor(view, getPosition, texts) {
  const select = () => view.dispatch(view.state.tr.setSelection(NodeSelection.create(view.state.doc, getPosition())));
  const move = (step) => ({ detail, currentTarget }) => {
    const index = buttons.indexOf(currentTarget);
    select();
    moveBlock(step)(view.state, view.dispatch);
    view.focus();
    if (!detail) {
      // A button that was pressed with the keyboard can be pressed again, although the moved node may have a new one.
      view.nodeDOM(view.state.selection.from).querySelectorAll(".visual-head button")[index].focus();
    }
  };
  const remove = () => {
    select();
    view.dispatch(view.state.tr.deleteSelection());
    view.focus();
  };
  const buttons = [button("↑", texts.up, move(-1)), button("↓", texts.down, move(1)), button("✕", texts.remove, remove)];
  return element("span", { class: "visual-head", contenteditable: "false" }, ...buttons);
}

function button(text, label, onClick) {
  const made = element("button", { type: "button", title: label, "aria-label": label }, text);
  made.addEventListener("click", onClick);
  return made;
}
