/* Pasting: files are uploaded, a URL turns the selection into a link, and rich text becomes Markdown.
 *
 * Ctrl+Shift+V pastes plain text, in every browser. */

import { isMarkdown, linkCode, selectedText } from "./formatting.js";
import { toMarkdown } from "./rich_text.js";
import { replace, replaceWithBlock } from "./text.js";

// Longer text is pasted without its formatting, which would take the browser too long.
const MAX_LENGTH = 2_000_000;
const URL_ALONE = /^https?:\/\/[^\s<>]*$/i;

export function convertPastes(field, addFiles) {
  field.addEventListener("paste", (event) => {
    const { files, url, markdown } = readPaste(event.clipboardData, selectedText(field), field.value, isMarkdown(field));
    const { selectionStart: start, selectionEnd: end } = field;
    if (files) {
      addFiles(files);
    } else if (url) {
      replace(field, start, end, linkCode(field, selectedText(field), url));
    } else if (markdown) {
      // Blocks are set off by blank lines. Part of a paragraph goes where the caret is.
      const change = isBlock(markdown) ? replaceWithBlock : replace;
      change(field, start, end, markdown);
    } else {
      return;
    }
    event.preventDefault();
  });
}

/** Return what to paste over the `selected` part of `all`: `files`, a `url` for it, or `markdown`. If empty, plain text. */
export function readPaste(data, selected, all, takesMarkdown) {
  const html = data.getData("text/html");
  const text = data.getData("text/plain").trim();
  // Word and Excel add a picture of the text, and browsers add the HTML of a copied image.
  if (data.files.length && !text) {
    return { files: data.files };
  }
  if (URL_ALONE.test(text) && selected.trim() && !selected.includes("\n") && !URL_ALONE.test(selected.trim())) {
    return { url: text };
  }
  if (html && takesMarkdown && html.length < MAX_LENGTH && !isCode(data) && !URL_ALONE.test(text)) {
    return { markdown: toMarkdown(html, all) };
  }
  return {};
}

/** Whether Markdown is more than part of a paragraph. */
export function isBlock(markdown) {
  return markdown.includes("\n") || /^(?:#{1,6} |- |\d+\. |> |\||```|---$)/.test(markdown);
}

/** Whether `data` comes from a code editor, whose colours aren't formatting. */
function isCode(data) {
  return data.types.includes("vscode-editor-data");
}
