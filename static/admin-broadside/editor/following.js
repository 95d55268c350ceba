/* Finds the place in the preview that corresponds to the middle of the visible text.
 *
 * Source and preview are compared by their letters and digits alone, which neither Markdown nor typography changes. */

const BLOCKS = "p, li, h1, h2, h3, h4, h5, h6, pre, tr, dt, dd, figcaption";
const LONG = 40; // characters that are searched for
const SHORT = 4; // with fewer characters, a match means nothing

/** Return the blocks of the preview, for `middleOf`: each with its words, and the share of all words before it. */
export function blocksOf(body) {
  const blocks = [...body.querySelectorAll(BLOCKS)].map((element) => ({ element, words: wordsOf(element.textContent) }));
  const total = blocks.reduce((sum, { words }) => sum + words.length, 0);
  let before = 0;
  for (const block of blocks) {
    block.share = before / total;
    before += block.words.length;
  }
  return blocks;
}

/** Return the vertical position in the frame of the preview, in pixels, that corresponds to the middle of `text`, the
 * text area or the visual mode. Null if none of the blocks contains its words. */
export function middleOf(text, blocks) {
  const { left, top, width, height } = text.getBoundingClientRect();
  const point = [left + width / 2, top + height / 2];
  const found = text.matches("textarea") ? findInSource(text, point, blocks) : findInBlock(text, point, blocks);
  if (!found) {
    return null;
  }
  const box = found.element.getBoundingClientRect();
  return box.top + found.share * box.height;
}

function findInSource(field, point, blocks) {
  // Browsers without this API follow proportionally.
  const caret = document.caretPositionFromPoint?.(...point);
  if (caret?.offsetNode !== field) {
    return null;
  }
  const source = field.value;
  const share = caret.offset / source.length;
  const end = source.indexOf("\n", caret.offset);
  const lines = (end < 0 ? source : source.slice(0, end)).split("\n");
  // If this is a blank line, an image or the like, use the text above.
  while (lines.length > 1 && wordsOf(lines.at(-1)).length < SHORT) {
    lines.pop();
  }
  const line = lines.at(-1);
  const start = lines.join("\n").length - line.length;
  const before = wordsOf(line.slice(0, caret.offset - start)).length;
  const words = wordsOf(line);
  // A line is found by its beginning, or if something was inserted there, such as the number of a footnote, from here
  // on.
  for (const at of [0, before]) {
    const wanted = words.slice(at, at + LONG);
    const block = wanted.length < SHORT ? null : nearest(blocks, share, (each) => each.words.includes(wanted));
    if (block) {
      const place = block.words.indexOf(wanted) + before - at;
      return { element: block.element, share: Math.min(1, place / block.words.length) };
    }
  }
  return null;
}

function findInBlock(text, [x, y], blocks) {
  const element = document.elementFromPoint(x, y)?.closest(BLOCKS);
  const words = element && text.contains(element) ? wordsOf(element.textContent) : "";
  const share = (text.scrollTop + text.clientHeight / 2) / text.scrollHeight;
  const block = words.length < SHORT ? null : nearest(blocks, share, (each) => each.words.startsWith(words.slice(0, LONG)));
  if (!block) {
    return null;
  }
  const box = element.getBoundingClientRect();
  return { element: block.element, share: (y - box.top) / box.height };
}

/** Return the matching block nearest to this `share` of the whole; of an item and its paragraph, the paragraph. */
function nearest(blocks, share, matches) {
  let best = null;
  let least = Infinity;
  for (const block of blocks) {
    const distance = Math.abs(block.share - share);
    if ((distance < least || best?.element.contains(block.element)) && matches(block)) {
      [best, least] = [block, distance];
    }
  }
  return best;
}

/** Return the visible letters and digits of a text, or of a line of its source. */
function wordsOf(text) {
  const seen = text
    .replace(/!\[[^\]]*\]\([^)]*\)|\[\^[^\]]*\]|<[^>]*>|&#?\w+;/g, "")
    .replace(/\]\([^)]*\)/g, "");
  return seen.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "");
}
