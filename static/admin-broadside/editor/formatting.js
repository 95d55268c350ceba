/* What the buttons of the toolbar do to the text, in Markdown and in HTML. Pressing a button twice undoes it. */

import { nextFootnote, replace, replaceWithBlock, selectedLines } from "./text.js";

const PAIRS = {
  markdown: { bold: ["**", "**"], italic: ["*", "*"], code: ["`", "`"] },
  html: { bold: ["<strong>", "</strong>"], italic: ["<em>", "</em>"], code: ["<code>", "</code>"] },
};
/** An empty table in Markdown. */
export const TABLE = "|  |  |\n| --- | --- |\n|  |  |";
const LIST_ITEM = /^(\s*)(?:[-*+]|\d+[.)])\s+/;

export function isMarkdown(field) {
  return field.dataset.markup === "markdown";
}

/** The commands by the names of their buttons, except for those that open a dialog. */
export const commands = {
  bold: (field) => surround(field, "bold"),
  italic: (field) => surround(field, "italic"),
  heading: (field) => (isMarkdown(field) ? deepenHeading(field) : wrapBlock(field, "<h2>", "</h2>")),
  quote: (field) =>
    isMarkdown(field)
      ? markLines(field, /^> ?/, () => "> ")
      : wrapBlock(field, "<blockquote>\n", "\n</blockquote>"),
  list: (field) => (isMarkdown(field) ? markLines(field, /^\s*[-*+]\s+/, () => "- ") : wrapList(field, "ul")),
  numbered: (field) =>
    isMarkdown(field) ? markLines(field, /^\s*\d+[.)]\s+/, (index) => `${index + 1}. `) : wrapList(field, "ol"),
  code: (field) => (selectedText(field).includes("\n") ? wrapCode(field) : surround(field, "code")),
  footnote: addFootnote,
  table: addTable,
  embed: (field) => addBlock(field, "https://", 0),
  more: (field) => addBlock(field, "<!--more-->"),
};

/** Return the code of a link. Characters with a meaning in Markdown are escaped. */
export function linkCode(field, text, url) {
  if (!isMarkdown(field)) {
    return `<a href="${escapeHtml(url)}">${escapeHtml(text)}</a>`;
  }
  return `[${text.replace(/\\?([[\]])/g, "\\$1")}](${markdownUrl(url)})`;
}

/** Return the code of an image with this description. */
export function imageCode(field, alt, url, caption) {
  if (!isMarkdown(field)) {
    const image = `<img src="${escapeHtml(url)}" alt="${escapeHtml(alt)}">`;
    return caption ? `<figure>${image}<figcaption>${escapeHtml(caption)}</figcaption></figure>` : image;
  }
  const title = caption && ` "${caption.replace(/["\\]|&(?=#?\w+;)/g, "\\$&")}"`;
  return `![${escapeMarkdown(alt)}](${markdownUrl(url)}${title})`;
}

/** Return the codes of uploaded files as blocks. Images that follow each other become a gallery. */
export function fileBlocks(field, codes) {
  const text = codes.join("\n\n");
  if (isMarkdown(field)) {
    return text.replace(/^(!\[.*)\n\n(?=!\[)/gm, "$1\n");
  }
  return text.replace(/<img\b.*(?:\n\n<img\b.*)+/g, (images) => {
    const figures = images.split("\n\n").map((image) => `<figure>${image}</figure>`);
    return `<figure class="wp-block-gallery">\n${figures.join("\n")}\n</figure>`;
  });
}

/** Return `text` on one line, with characters that mean something in Markdown escaped. */
export function escapeMarkdown(text) {
  return text.replace(/\s+/g, " ").replace(/[\\[\]*_`<>&]/g, "\\$&");
}

function markdownUrl(url) {
  return url.replace(/[\s()<>\\]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

export function escapeHtml(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function selectedText(field) {
  return field.value.slice(field.selectionStart, field.selectionEnd);
}

/** Insert a separate paragraph after the selection. Select it from `selectFrom` on, or put the caret after it. */
export function addBlock(field, block, selectFrom = block.length) {
  const start = replaceWithBlock(field, field.selectionEnd, field.selectionEnd, block);
  field.setSelectionRange(start + selectFrom, start + block.length);
}

/** Put the selected text, or the word at the caret, between two marks, or remove the marks if they are there. */
function surround(field, name) {
  const [open, close] = PAIRS[isMarkdown(field) ? "markdown" : "html"][name];
  const { value } = field;
  let { selectionStart: start, selectionEnd: end } = field;
  if (start === end) {
    start -= value.slice(0, start).match(/[\p{L}\p{M}\p{N}_'’-]*$/u)[0].length;
    end += value.slice(end).match(/^[\p{L}\p{M}\p{N}_'’-]*/u)[0].length;
  }
  // Emphasis must not begin or end with a space.
  const space = value.slice(start, end).match(/^(\s*)[^]*?(\s*)$/);
  if (space[1].length < end - start) {
    start += space[1].length;
    end -= space[2].length;
  }
  const text = value.slice(start, end);
  const caret = field.selectionStart === field.selectionEnd ? Math.max(0, field.selectionStart - start) : null;
  const select = (from) => (caret === null || !text ? [from, from + text.length] : [from + caret, from + caret]);
  if (isBetween(value, start, end, open, close)) {
    replace(field, start - open.length, end + close.length, text, ...select(start - open.length));
  } else {
    replace(field, start, end, open + text + close, ...select(start + open.length));
  }
}

/** Whether the text is between these marks. One asterisk on each side of bold text does not make it italic. */
function isBetween(value, start, end, open, close) {
  const before = value.slice(0, start);
  const after = value.slice(end);
  if (open === "*") {
    const count = Math.min(before.match(/\**$/)[0].length, after.match(/^\**/)[0].length);
    return count === 1 || count === 3;
  }
  return before.endsWith(open) && after.startsWith(close);
}

/** Begin each selected line with its mark, or remove the marks if all lines have one. Lists replace each other. */
function markLines(field, pattern, markOf) {
  const { start, end } = selectedLines(field);
  const lines = field.value.slice(start, end).split("\n");
  const isMarked = lines.every((line) => pattern.test(line) || (!line.trim() && lines.length > 1));
  let index = 0;
  const changed = lines.map((line) => {
    if (!line.trim() && lines.length > 1) {
      // An empty line inside a quotation belongs to it.
      return !isMarked && markOf(0) === "> " ? ">" : line.replace(/^>$/, "");
    }
    if (isMarked) {
      return line.replace(pattern, "");
    }
    const mark = markOf(index);
    index += 1;
    return mark + (mark === "> " ? line : line.replace(LIST_ITEM, "$1"));
  });
  replaceLines(field, start, end, changed.join("\n"), !isMarked);
}

/** Make the lines a heading of the second level, then of the third, then a paragraph again. */
function deepenHeading(field) {
  const { start, end } = selectedLines(field);
  const line = field.value.slice(start, end);
  const level = line.match(/^#*/)[0].length;
  const marks = level === 0 ? "## " : level === 2 ? "### " : "";
  replaceLines(field, start, end, marks + line.replace(/^#+\s*/, ""), level === 0);
}

/** Replace whole lines, with blank lines around them if they become a `block`. A lone caret stays on its line. */
function replaceLines(field, start, end, text, isBlock) {
  const hadSelection = field.selectionStart < field.selectionEnd;
  const fromEnd = end - field.selectionEnd;
  const from = isBlock ? replaceWithBlock(field, start, end, text) : (replace(field, start, end, text), start);
  const last = from + text.length;
  field.setSelectionRange(hadSelection ? from : Math.max(from, last - fromEnd), hadSelection ? last : Math.max(from, last - fromEnd));
}

function wrapCode(field) {
  const { start, end } = selectedLines(field);
  const text = field.value.slice(start, end);
  if (!isMarkdown(field)) {
    wrapBlock(field, "<pre><code>", "</code></pre>");
    return;
  }
  // The fence must be longer than every fence inside.
  const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/^`{3,}/gm)].map((found) => found[0].length + 1)));
  replaceWithBlock(field, start, end, `${fence}\n${text}\n${fence}`);
}

function wrapBlock(field, open, close) {
  const { start, end } = selectedLines(field);
  const text = field.value.slice(start, end);
  const isWrapped = text.startsWith(open) && text.endsWith(close) && text.length >= open.length + close.length;
  if (isWrapped) {
    replace(field, start, end, text.slice(open.length, text.length - close.length));
  } else {
    const from = replaceWithBlock(field, start, end, open + text + close);
    field.setSelectionRange(from + open.length, from + open.length + text.length);
  }
}

function wrapList(field, tag) {
  const { start, end } = selectedLines(field);
  const lines = field.value.slice(start, end).split("\n");
  const items = lines.filter((line) => line.trim() || lines.length === 1).map((line) => `<li>${line}</li>`);
  const block = `<${tag}>\n${items.join("\n")}\n</${tag}>`;
  const from = replaceWithBlock(field, start, end, block);
  const caret = from + block.length - `</li>\n</${tag}>`.length;
  field.setSelectionRange(caret, caret);
}

/** Insert an empty table of two columns and two rows, with the caret in its first cell. */
function addTable(field) {
  const [start, rest] = isMarkdown(field)
    ? ["| ", TABLE.slice(2)]
    : ["<table>\n<thead><tr><th>", "</th><th></th></tr></thead>\n<tbody><tr><td></td><td></td></tr></tbody>\n</table>"];
  addBlock(field, start + rest);
  const caret = field.selectionEnd - rest.length;
  field.setSelectionRange(caret, caret);
}

/** Insert the next footnote: its mark at the caret, and the note at the end of the text, where the caret goes.
 *
 * Browsers undo this in two steps. The first one removes the mark, because readers don't see a note without one. */
function addFootnote(field) {
  const mark = `[^${nextFootnote(field.value)}]`;
  const text = field.value.trimEnd();
  const place = Math.min(field.selectionEnd, text.length);
  const isAfterNote = /^\[\^[^\]\n]+\]: .*$/.test(text.split("\n").at(-1));
  replace(field, text.length, field.value.length, `${isAfterNote ? "\n" : "\n\n"}${mark}: `);
  replace(field, place, place, mark, field.value.length + mark.length);
  field.scrollTop = field.scrollHeight;
}
