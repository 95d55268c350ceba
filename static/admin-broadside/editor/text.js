/* Changes to a text area that the browser can undo, as if they had been typed. */

/** Replace what is between `start` and `end`, and select a part of the result: by default, put the caret after it. */
export function replace(field, start, end, text, selectStart = start + text.length, selectEnd = selectStart) {
  field.focus();
  if (field.value.slice(start, end) !== text) {
    field.setSelectionRange(start, end);
    // Only this deprecated command leaves an entry in the browser's undo history. It works where the focus is, which is
    // not in the field while the visual mode covers it.
    if (document.activeElement !== field || !document.execCommand(text ? "insertText" : "delete", false, text)) {
      field.setRangeText(text, start, end, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
  field.setSelectionRange(selectStart, selectEnd);
}

/** Replace what is between `start` and `end` with `block`, set off by blank lines. Return where the block begins. */
export function replaceWithBlock(field, start, end, block) {
  const before = field.value.slice(0, start);
  const after = field.value.slice(end);
  const above = before.trim() ? missingLineBreaks(before.match(/[ \t\n]*$/)[0]) : "";
  const below = after.trim() ? missingLineBreaks(after.match(/^[ \t\n]*/)[0]) : "";
  replace(field, start, end, above + block + below);
  return start + above.length;
}

function missingLineBreaks(space) {
  return "\n".repeat(Math.max(0, 3 - space.split("\n").length));
}

/** Return where the lines begin and end that are selected, at least in part. */
export function selectedLines(field) {
  const { value, selectionStart, selectionEnd } = field;
  const end = value.indexOf("\n", selectionEnd);
  return { start: value.lastIndexOf("\n", selectionStart - 1) + 1, end: end < 0 ? value.length : end };
}

/** Return the place after the selection, or the end of the image in whose code that is, and of those that follow it.
 *
 * The caret is in the description of the first of them after several were added.
 */
export function placeForFiles(field) {
  const text = field.value;
  const place = field.selectionEnd;
  const image = /(?:!\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|<img\b[^>\n]*>)/g;
  const others = new RegExp(`(?:\\s*${image.source})*`, "y");
  // An image is on one line.
  image.lastIndex = text.lastIndexOf("\n", place - 1) + 1;
  for (let found = image.exec(text); found && found.index < place; found = image.exec(text)) {
    if (place < image.lastIndex) {
      others.lastIndex = image.lastIndex;
      others.exec(text);
      return others.lastIndex;
    }
  }
  return place;
}
