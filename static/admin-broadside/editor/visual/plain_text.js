/* Plain text in the visual mode. The lines of e-mails and PDFs end where a page was full. */

import { Fragment, Slice } from "../../../vendor/prosemirror/prosemirror.js";
import { schema } from "./schema.js";

const { nodes } = schema;
// The number of characters in the longest line of a text that was wrapped. Lines of poems are shorter, paragraphs longer.
const [MIN_WIDTH, MAX_WIDTH] = [40, 120];
// Letters differ in width.
const TOLERANCE = 0.85;
const ITEM = /^\s*(?:[-*•–>]|\d+[.)])\s/;

/** Return plain text as paragraphs: what is between blank lines, or else each line. */
export function parsePlainText(text, $context) {
  const unified = text.replace(/\r\n?/g, "\n");
  const blocks = unified.split(/\n(?:[ \t]*\n)+/).filter(Boolean).map((block) => block.split("\n"));
  const width = blocks.flat().reduce((longest, line) => Math.max(longest, line.length), 0);
  const unwrapped = blocks.map((lines) => unwrap(lines, width));
  const paragraphs = blocks.length > 1 ? unwrapped : unwrapped.flat().map((line) => [line]);
  const made = paragraphs.map((lines) => nodes.paragraph.create(null, content(lines, $context.marks())));
  return Slice.maxOpen(Fragment.from(made));
}

/** Return `lines` with those joined that were one before the text was wrapped at this width. */
function unwrap(lines, width) {
  const joined = [];
  const canBeWrapped = width >= MIN_WIDTH && width <= MAX_WIDTH;
  let previous = "";
  for (const line of lines.filter(Boolean)) {
    const needed = previous.length + 1 + line.trimStart().search(/\s|$/);
    if (joined.length && canBeWrapped && needed > TOLERANCE * width && !ITEM.test(line)) {
      const before = joined.pop().trimEnd();
      joined.push(`${before}${/\S-$/.test(before) ? "" : " "}${line.trimStart()}`);
    } else {
      joined.push(line);
    }
    previous = line;
  }
  return joined;
}

function content(lines, marks) {
  return lines.flatMap((line, index) => [...(index ? [nodes.hard_break.create()] : []), schema.text(line, marks)]);
}
