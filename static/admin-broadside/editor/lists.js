/* Enter continues a list or a quotation in Markdown, and ends it on an empty item.
 *
 * It then leaves a blank line, without which Markdown would treat the next line as a part of the last item. */

import { isComposing } from "../keyboard.js";
import { replace } from "./text.js";

const ITEM = /^([ \t]*)(?:([-*+])|(\d{1,9})([.)])|(>))([ \t]+|$)(\[[ xX]\] )?/;

export function continueLists(field) {
  field.addEventListener("keydown", (event) => {
    const isPlainEnter =
      event.key === "Enter" && !isComposing(event) && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (isPlainEnter && field.selectionStart === field.selectionEnd && continueItem(field)) {
      event.preventDefault();
    }
  });
}

/** Begin the next item, and return whether the caret was in a list. */
function continueItem(field) {
  const caret = field.selectionStart;
  const start = field.value.lastIndexOf("\n", caret - 1) + 1;
  const line = field.value.slice(start, caret);
  const item = line.match(ITEM);
  if (!item) {
    return false;
  }
  const [marks, indent, bullet, number, point, quote, space, task] = item;
  const rest = field.value.slice(caret).split("\n", 1)[0];
  if (!line.slice(marks.length).trim() && !rest.trim()) {
    const before = field.value.slice(0, start);
    replace(field, start, caret, indent || !before.trim() || before.endsWith("\n\n") ? "" : "\n");
  } else {
    const next = bullet ?? quote ?? `${Number(number) + 1}${point}`;
    replace(field, caret, caret, `\n${indent}${next}${space || " "}${task ? "[ ] " : ""}`);
  }
  return true;
}
