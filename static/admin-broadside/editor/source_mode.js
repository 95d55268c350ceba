/* Writing in the source itself: the functions that dialogs, uploads and buttons need. The visual mode has the same. */

import { addBlock, commands, imageCode, isMarkdown, linkCode, selectedText } from "./formatting.js";
import { placeForFiles, replace } from "./text.js";

export function sourceMode(field) {
  return {
    commands: Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, () => command(field)])),
    selectedText: () => selectedText(field),

    /** Return a function that restores the present caret or selection. */
    keepSelection() {
      const { selectionStart, selectionEnd, selectionDirection } = field;
      return () => field.setSelectionRange(selectionStart, selectionEnd, selectionDirection);
    },

    linkAtCaret: () => linkAtCaret(field),

    /** Insert a link in place of an `old` one or of the selection. */
    insertLink(text, url, old = null) {
      const [start, end] = old ? [old.start, old.end] : [field.selectionStart, field.selectionEnd];
      replace(field, start, end, linkCode(field, text, url));
    },

    insertImage(alt, url, caption) {
      const place = placeForFiles(field.value, field.selectionEnd);
      field.setSelectionRange(place, place);
      addBlock(field, imageCode(field, alt, url, caption));
    },

    /** Insert the code of uploaded files `at` a place in the text. If the writer hasn't left it, put the caret in the
     * empty description of the first image that has none. Return whether there is one. */
    insertFiles(code, at, isLeft) {
      const place = placeForFiles(field.value, at);
      const restore = keepView(field, place);
      field.setSelectionRange(place, place);
      addBlock(field, code);
      const beforeDescription = code.match(isMarkdown(field) ? /^!\[(?=\])/m : /<img\b[^>]* alt="(?=")/);
      if (isLeft) {
        restore();
      } else if (beforeDescription) {
        const caret = field.selectionEnd - code.length + beforeDescription.index + beforeDescription[0].length;
        field.setSelectionRange(caret, caret);
      }
      return beforeDescription !== null;
    },
  };
}

/** Return a function that restores what has the focus, the selection and what is visible, after a change at `place`. */
function keepView(field, place) {
  const { activeElement } = document;
  const { selectionStart, selectionEnd, scrollTop, scrollHeight } = field;
  const { length } = field.value;
  return () => {
    const moved = (caret) => (caret < place ? caret : caret + field.value.length - length);
    field.setSelectionRange(moved(selectionStart), moved(selectionEnd));
    field.scrollTop = scrollTop + (selectionEnd < place ? 0 : field.scrollHeight - scrollHeight);
    activeElement.focus();
  };
}

/** Return the Markdown link in which the caret is, if there is one on this line. */
function linkAtCaret(field) {
  const { value, selectionStart, selectionEnd } = field;
  const lineStart = value.lastIndexOf("\n", selectionStart - 1) + 1;
  const line = value.slice(lineStart).split("\n", 1)[0];
  for (const found of line.matchAll(/(!?)\[((?:\\.|[^\]\\])*)\]\(<?([^\s()<>]*)>?\)/g)) {
    const [whole, isImage, text, url] = found;
    const start = lineStart + found.index;
    const end = start + whole.length;
    if (!isImage && start < selectionEnd && selectionStart < end) {
      return { start, end, text: text.replace(/\\([\\[\]*_`<>&])/g, "$1"), url };
    }
  }
  return null;
}
