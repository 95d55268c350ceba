/* Changes to a text area that the browser can undo as if they had been typed. */

/** Replace the text between `start` and `end`, and select a part of the result. By default, put the caret after it. */
export function replace(field, start, end, text, selectStart = start + text.length, selectEnd = selectStart) {
  field.focus();
  if (field.value.slice(start, end) !== text) {
    field.setSelectionRange(start, end);
    // Only this deprecated command adds to the browser's undo history. It works where the focus is, which is not in the
    // field while the visual mode covers it.
    if (document.activeElement !== field || !document.execCommand(text ? "insertText" : "delete", false, text)) {
      field.setRangeText(text, start, end, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
  field.setSelectionRange(selectStart, selectEnd);
}

/** Replace the text between `start` and `end` with `block`, set off by blank lines. Return where the block begins.
 *
 * If nothing is replaced, the block goes after a table rather than into it, where it would break the table apart.
 */
export function replaceWithBlock(field, start, end, block) {
  if (start === end) {
    start = end = afterTable(field.value, start);
  }
  const before = field.value.slice(0, start);
  const after = field.value.slice(end);
  const above = before.trim() ? missingLineBreaks(before.match(/[ \t\n]*$/)[0]) : "";
  const below = after.trim() ? missingLineBreaks(after.match(/^[ \t\n]*/)[0]) : "";
  replace(field, start, end, above + block + below);
  return start + above.length;
}

/** Return the end of the Markdown table in which `place` is, or else `place`. */
function afterTable(text, place) {
  const tables = [...text.matchAll(/^\|.*(?:\n\|.*)*/gm)].map((found) => [found.index, found.index + found[0].length]);
  return tables.find(([start, end]) => start < place && place < end)?.[1] ?? place;
}

function missingLineBreaks(space) {
  return "\n".repeat(Math.max(0, 3 - space.split("\n").length));
}

/** Return the start and end of the lines that are at least partly selected. */
export function selectedLines(field) {
  const { value, selectionStart, selectionEnd } = field;
  const end = value.indexOf("\n", selectionEnd);
  return { start: value.lastIndexOf("\n", selectionStart - 1) + 1, end: end < 0 ? value.length : end };
}

/** Return `place`, or if that is in the code of an image, the end of it and of any images that follow it, because after
 * adding several images the caret is in the description of the first.
 */
export function placeForFiles(text, place) {
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

/** Return the number of the next footnote in a Markdown text. */
export function nextFootnote(text) {
  return Math.max(0, ...[...text.matchAll(/\[\^(\d+)\]/g)].map((found) => Number(found[1]))) + 1;
}
