/* Pasting: files are uploaded, a URL turns the selection into a link, and rich text becomes Markdown.
 *
 * Ctrl+Shift+V pastes plain text, in every browser. */

import { isMarkdown, linkCode, selectedText } from "./formatting.js";
import { isCode } from "./pasted_code.js";
import { cutOutImages } from "./pasted_images.js";
import { hasOwnImage, targetOf, toParts } from "./rich_text.js";
import { replace, replaceWithBlock } from "./text.js";

// Longer text is pasted without its formatting, which would take the browser too long.
const MAX_LENGTH = 2_000_000;
const URL_ALONE = /^https?:\/\/[^\s<>]*$/i;

export function convertPastes(field, uploads) {
  field.addEventListener("paste", (event) => {
    const pasted = readPaste(event.clipboardData, selectedText(field), field.value, isMarkdown(field));
    const { files, url, parts, isIncomplete } = pasted;
    const { selectionStart: start, selectionEnd: end } = field;
    if (files) {
      uploads.add(files);
    } else if (url) {
      replace(field, start, end, linkCode(field, selectedText(field), url));
    } else if (parts?.length) {
      insertParts(field, parts, uploads);
    }
    if (isIncomplete) {
      uploads.warn();
    }
    if (files || url || parts?.length) {
      event.preventDefault();
    }
  });
}

/** Insert Markdown, and upload the files to the places between it. */
function insertParts(field, parts, uploads) {
  for (const part of parts) {
    if (part instanceof File) {
      uploads.add([part]);
    } else {
      // Blocks are set off by blank lines. Part of a paragraph goes where the caret is.
      const change = isBlock(part) || parts.length > 1 ? replaceWithBlock : replace;
      change(field, field.selectionStart, field.selectionEnd, part);
    }
  }
}

/** Return what to paste over the `selected` part of `all`: `files`, a `url` for it, or `parts`. If empty, plain text. */
export function readPaste(data, selected, all, takesMarkdown) {
  const text = data.getData("text/plain").trim();
  const url = URL_ALONE.test(text) ? targetOf(text) : "";
  // Word and Excel add a picture of the text, and browsers add the HTML of a copied image. Those of this site aren't uploaded
  // again, but keep their descriptions.
  if (data.files.length && !text && !(takesMarkdown && hasOwnImage(data.getData("text/html")))) {
    return { files: data.files };
  }
  if (url && selected.trim() && !selected.includes("\n") && !URL_ALONE.test(selected.trim())) {
    return { url };
  }
  if (url) {
    return url === text ? {} : { parts: [url] };
  }
  return takesMarkdown && !isCode(data) ? readRichText(data, all) : {};
}

/** Return the `parts` of rich text that is inserted into the text `all`, and whether it is without some of its images. */
export function readRichText(data, all) {
  const { html, files } = cutOutImages(data.getData("text/html"));
  return html && html.length < MAX_LENGTH ? toParts(html, { text: all, files, rtf: data.getData("text/rtf") }) : {};
}

/** Whether Markdown is more than part of a paragraph. */
export function isBlock(markdown) {
  return markdown.includes("\n") || /^(?:#{1,6} |- |\d+\. |> |\||```|---$)/.test(markdown);
}
