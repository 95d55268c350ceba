/* Markdown as the site reads it (blog/rendering/markdown.py): its blocks, its tokens and what they mean. */

import { definitionLists, MarkdownIt } from "../../../vendor/prosemirror/prosemirror.js";

const FOOTNOTE = /\[\^[^\]\s]{1,999}\]/y;
const FOOTNOTE_DEFINITION = /\[\^[^\]\s]{1,999}\]:/y;
const SCHEME_BEFORE = /(?:^|[^A-Za-z0-9_])https?$/i;
const URL_AFTER_SCHEME = /:\/\/[\p{L}\p{N}_][^\s<>"`[\]()]*(?:\([^\s<>"`[\]()]*\)[^\s<>"`[\]()]*)*/uy;
const AFTER_URL = ".,;:!?'*_~…’‘‚„|\\";
const LINE_BREAK = /\r\n?|\n/g;

export const markdown = new MarkdownIt("commonmark", { maxNesting: 40 })
  .enable(["table", "strikethrough"])
  .use(definitionLists);
// URLs stay as they were written.
markdown.normalizeLink = (url) => url;
markdown.inline.ruler.before("link", "footnote", footnote);
markdown.inline.ruler.before("linkify", "bare_url", bareUrl);
markdown.block.ruler.before("reference", "footnote_definition", footnoteDefinition, { alt: ["paragraph"] });
markdown.renderer.rules.raw = (tokens, index) => markdown.utils.escapeHtml(tokens[index].content);
// A line break in the source means no more than a space.
markdown.renderer.rules.softbreak = () => " ";

/** Return where each block of the `source` begins and ends, and the `references` to which its links may refer.
 *
 * A block ends before the white space after it. Between two blocks there is only white space.
 */
export function split(source) {
  const starts = [0, ...Array.from(source.matchAll(LINE_BREAK), (found) => found.index + found[0].length)];
  const env = {};
  const state = new markdown.block.State(normalised(source), markdown, env, []);
  const rules = markdown.block.ruler.getRules("");
  const blocks = [];
  // markdown-it does the same, but doesn't report where blocks without an element are, such as definitions.
  for (let line = state.skipEmptyLines(0); line < state.lineMax; line = state.skipEmptyLines(state.line)) {
    state.line = line;
    rules.some((rule) => rule(state, line, state.lineMax, false));
    const start = starts[line];
    blocks.push({ start, end: start + trimmedEnd(source.slice(start, starts[state.line]), " \t\r\n") });
  }
  return { blocks, references: env.references ?? {} };
}

/** Return the HTML of a block, for comparison with others. */
export function meaningOf(text, references = {}) {
  return markdown.render(text, { references: { ...references } }).trim();
}

/** Return the length of `text` without these `characters` at its end. A regular expression would be slow. */
function trimmedEnd(text, characters) {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1])) {
    end -= 1;
  }
  return end;
}

function normalised(source) {
  return source.replace(LINE_BREAK, "\n").replaceAll("\0", "\ufffd");
}

/** Read the mark of a footnote, or a whole inline footnote, as code. */
function footnote(state, silent) {
  let end = -1;
  if (state.src.startsWith("^[", state.pos)) {
    end = markdown.helpers.parseLinkLabel(state, state.pos + 1) + 1;
  } else {
    FOOTNOTE.lastIndex = state.pos;
    end = FOOTNOTE.test(state.src) ? FOOTNOTE.lastIndex : 0;
  }
  if (end <= 0 || end > state.posMax) {
    return false;
  }
  if (!silent) {
    state.push("raw", "", 0).content = state.src.slice(state.pos, end);
  }
  state.pos = end;
  return true;
}

/** Read the text of a footnote, with everything indented below it, as one block of code. */
function footnoteDefinition(state, start, end, silent) {
  FOOTNOTE_DEFINITION.lastIndex = state.bMarks[start] + state.tShift[start];
  if (state.sCount[start] - state.blkIndent >= 4 || !FOOTNOTE_DEFINITION.test(state.src)) {
    return false;
  }
  if (!silent) {
    let line = start + 1;
    for (; line < end; line += 1) {
      FOOTNOTE_DEFINITION.lastIndex = state.bMarks[line] + state.tShift[line];
      const isIndented = state.sCount[line] - state.blkIndent >= 4;
      const isContinued = !state.isEmpty(line - 1) && !FOOTNOTE_DEFINITION.test(state.src);
      if (!state.isEmpty(line) && !isIndented && !isContinued) {
        break;
      }
    }
    const token = state.push("raw", "", 0);
    token.block = true;
    token.content = state.getLines(start, line, state.blkIndent, false);
    state.line = line;
  }
  return true;
}

/** Keep a bare web URL as typed: `_` and `*` in it are not emphasis. */
function bareUrl(state, silent) {
  URL_AFTER_SCHEME.lastIndex = state.pos;
  const found = SCHEME_BEFORE.test(state.src.slice(Math.max(0, state.pos - 6), state.pos)) && URL_AFTER_SCHEME.exec(state.src);
  const end = found ? trimmedEnd(found[0].slice(0, state.posMax - state.pos), AFTER_URL) : 0;
  if (end <= "://".length) {
    return false;
  }
  const url = state.src.slice(state.pos, state.pos + end);
  if (!silent) {
    state.pending += markdown.utils.unescapeAll(url);
  }
  state.pos += url.length;
  return true;
}
