/* What is pasted: files are uploaded, a URL makes a link of the selection, and rich text becomes Markdown.
 *
 * Ctrl+Shift+V pastes plain text, in every browser. */

import { isMarkdown, linkCode, selectedText } from "./formatting.js";
import { toMarkdown } from "./rich_text.js";
import { replace, replaceWithBlock } from "./text.js";

// A longer text is pasted without its formatting, which would take the browser too long.
const MAX_LENGTH = 2_000_000;
const URL_ALONE = /^https?:\/\/[^\s<>]*$/i;

export function convertPastes(field, addFiles) {
  field.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    const html = data.getData("text/html");
    const text = data.getData("text/plain").trim();
    const selected = selectedText(field);
    // Word and Excel add a picture of the text, and browsers the HTML of an image that was copied.
    if (data.files.length && !text) {
      event.preventDefault();
      addFiles(data.files);
    } else if (URL_ALONE.test(text) && selected.trim() && !selected.includes("\n") && !URL_ALONE.test(selected.trim())) {
      event.preventDefault();
      replace(field, field.selectionStart, field.selectionEnd, linkCode(field, selected, text));
    } else if (html && isMarkdown(field) && html.length < MAX_LENGTH && !isCode(data) && !URL_ALONE.test(text)) {
      const markdown = toMarkdown(html);
      if (markdown) {
        event.preventDefault();
        insert(field, markdown);
      }
    }
  });
}

/** Whether it comes from a program for writing code, whose colours are no formatting. */
function isCode(data) {
  return data.types.includes("vscode-editor-data");
}

/** Insert blocks between blank lines, and a part of a paragraph where the caret is. */
function insert(field, markdown) {
  const isBlock = markdown.includes("\n") || /^(?:#{1,6} |- |\d+\. |> |\||```|---$)/.test(markdown);
  const change = isBlock ? replaceWithBlock : replace;
  change(field, field.selectionStart, field.selectionEnd, markdown);
}
