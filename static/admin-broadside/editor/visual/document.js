/* Reads a source into a document and writes it back. Unedited parts stay the same, byte for byte.
 *
 * Each block of the document remembers the block of the source from which it was read. It is written as that block as
 * long as it means the same, with the same white space after it as long as the same block follows. */

import { MarkdownParser } from "../../../vendor/prosemirror/prosemirror.js";
import { schema } from "./schema.js";
import { isEmptyParagraph, quickMarkdown, toMarkdown } from "./serializer.js";
import { markdown, meaningOf, split } from "./syntax.js";

const MORE = /^<!--\s*more\s*-->$/;
const BLANK_LINE = "\n\n";
// Ends the block before it, such as a list that the next block would continue.
const COMMENT = "\n\n<!-- -->\n\n";

const raw = (token) => ({ source: token.content });
const parser = new MarkdownParser(schema, markdown, {
  paragraph: { block: "paragraph" },
  blockquote: { block: "blockquote" },
  list_item: { block: "list_item" },
  bullet_list: { block: "bullet_list", getAttrs: (token, tokens, i) => ({ mark: token.markup, tight: isTight(tokens, i) }) },
  ordered_list: {
    block: "ordered_list",
    getAttrs: (token, tokens, i) => ({
      order: Number(token.attrGet("start") ?? 1),
      mark: token.markup,
      tight: isTight(tokens, i),
    }),
  },
  heading: { block: "heading", getAttrs: (token) => ({ level: Number(token.tag[1]) }) },
  code_block: { block: "code_block" },
  fence: { block: "code_block", getAttrs: (token) => ({ params: token.info }) },
  hr: { node: "horizontal_rule" },
  image: {
    node: "image",
    getAttrs: (token) => ({
      src: token.attrGet("src"),
      title: token.attrGet("title"),
      alt: markdown.renderer.renderInlineAsText(token.children, markdown.options, {}),
    }),
  },
  hardbreak: { node: "hard_break" },
  html_inline: { node: "raw", getAttrs: raw },
  em: { mark: "em" },
  strong: { mark: "strong" },
  s: { mark: "strike" },
  link: { mark: "link", getAttrs: (token) => ({ href: token.attrGet("href"), title: token.attrGet("title") }) },
  code_inline: { mark: "code" },
});
// Within a paragraph. Other raw tokens can't be read.
parser.tokenHandlers.raw = (state, token) => {
  if (token.block) {
    throw new Error("This block is not known.");
  }
  state.addNode(schema.nodes.raw, raw(token));
};

/** Return the `doc` of a source, and its `original` blocks, which `write` needs. */
export function read(source) {
  const { blocks: parts, references } = split(source);
  const blocks = parts.map(({ start, end }, index) => {
    const text = source.slice(start, end);
    return { text, start, gap: source.slice(end, parts[index + 1]?.start), node: nodeOf(text, references, index) };
  });
  const last = blocks.at(-1);
  if (last) {
    // For example, a fence that is not closed. It would continue into whatever is added after it.
    last.isOpen = !isApart(last.text, BLANK_LINE, "x");
  }
  return {
    doc: schema.node("doc", null, last ? blocks.map(({ node }) => node) : [schema.node("paragraph")]),
    original: {
      blocks,
      before: last ? source.slice(0, blocks[0].start) : "",
      after: last ? last.gap : source,
      // The text written for a block that follows another, so that only edited blocks are written again.
      written: new WeakMap(),
    },
  };
}

/** Return the blocks of inserted Markdown. */
export function blocksOf(text) {
  return read(text).original.blocks.map(({ node }) => withOriginal(node, null));
}

/** Return the source of a document that was read from `original`. */
export function write(doc, original) {
  const parts = pieces(doc, original).flatMap(({ gap, text }) => [gap, text]);
  return original.before + parts.join("") + original.after;
}

/** Return the position in the source at which each block of the document begins. */
export function startsOf(doc, original) {
  const starts = [];
  let offset = original.before.length;
  for (const { gap, text, index } of pieces(doc, original)) {
    // Empty paragraphs begin where the next block does.
    starts.push(...Array(index + 1 - starts.length).fill(offset + gap.length));
    offset += gap.length + text.length;
  }
  return [...starts, ...Array(doc.childCount - starts.length).fill(offset)];
}

/** Return the position in the source at which each block of the document ends. */
export function endsOf(doc, original) {
  const starts = startsOf(doc, original);
  const ends = [...starts];
  for (const { text, index } of pieces(doc, original)) {
    ends[index] += text.length;
  }
  return ends;
}

/** Return the text of each non-empty block of the document, with the gap between it and the previous one. */
function pieces(doc, original) {
  const found = [];
  const last = doc.children.findLastIndex((node) => !isEmptyParagraph(node));
  for (const [index, node] of doc.children.entries()) {
    const piece = pieceOf(node, found.at(-1) ?? null, index === last, original);
    if (piece.text) {
      found.push({ ...piece, node, index });
    }
  }
  return found;
}

function pieceOf(node, previous, isLast, original) {
  const block = original.blocks[node.attrs.original];
  const isKept = Boolean(block) && (block.node === node || block.node.eq(node)) && (isLast || !block.isOpen);
  if (isKept && (!previous || (previous.isKept && isNext(previous.node, node)))) {
    return { isKept, text: block.text, gap: previous ? gapAfter(previous.node, original) : "" };
  }
  const known = original.written.get(node);
  if (known && known.isLast === isLast && known.after?.node === previous?.node && known.after?.text === previous?.text) {
    return known.piece;
  }
  const texts = isKept ? [block.text] : [];
  // Writing a block of raw Markdown again doesn't change it.
  if (!isKept || node.type !== schema.nodes.raw_block) {
    texts.push(textOf(node, previous));
  }
  const { gap, text } = previous ? setApart(previous, node, texts, original) : { gap: "", text: texts[0] };
  const piece = { isKept: isKept && text === block.text, gap, text };
  original.written.set(node, { piece, isLast, after: previous });
  return piece;
}

/** Choose the first of the `texts`, and a gap before it, that don't make it a part of the `previous` block. */
function setApart(previous, node, texts, original) {
  const gaps = isNext(previous.node, node) ? [gapAfter(previous.node, original), BLANK_LINE] : [BLANK_LINE];
  for (const text of texts) {
    const gap = gaps.find((each) => isApart(previous.text, each, text));
    if (gap) {
      return { gap, text };
    }
  }
  return { gap: COMMENT, text: texts[0] };
}

function isApart(text, gap, next) {
  return split(text + gap + next).blocks.some(({ start }) => start === text.length + gap.length);
}

/** Whether two blocks followed each other in the source. */
function isNext(previous, node) {
  return previous.attrs.original !== null && node.attrs.original === previous.attrs.original + 1;
}

function gapAfter(node, original) {
  return original.blocks[node.attrs.original].gap;
}

/** Return the Markdown of a block, or an empty string for an empty paragraph. */
function textOf(node, previous) {
  if (node.type === schema.nodes.raw_block) {
    return node.textContent.replace(/^(?:[ \t]*\n)+/, "").trimEnd();
  }
  const isSameList = "mark" in node.attrs && node.type === previous?.node.type;
  return toMarkdown(node, isSameList ? previous.text.match(/^\s*\d*([-+*.)])/)?.[1] : "");
}

/** Return a block of the source as a node. If writing it again would change its meaning, it is shown as code. */
function nodeOf(text, references, index) {
  const node = MORE.test(text)
    ? schema.node("more")
    : (knownNode(text, references) ?? schema.node("raw_block", null, schema.text(text)));
  return withOriginal(node, index);
}

function knownNode(text, references) {
  const env = {};
  let blocks;
  try {
    blocks = parser.parse(text, env);
  } catch {
    // Thrown at the first token that the schema doesn't know.
    return null;
  }
  const node = blocks.firstChild;
  // For example, a definition within a list would not be in the list that is shown.
  const isComplete = blocks.childCount === 1 && !env.references;
  return isComplete && meaningOf(quickMarkdown(node)) === meaningOf(text, references) ? node : null;
}

function withOriginal(node, index) {
  return node.type.create({ ...node.attrs, original: index }, node.content);
}

/** Whether a list is shown without space between its items. */
function isTight(tokens, index) {
  const { level, type } = tokens[index];
  const end = type.replace("_open", "_close");
  for (let at = index + 1; tokens[at].level > level || tokens[at].type !== end; at += 1) {
    if (tokens[at].type === "paragraph_open" && tokens[at].level === level + 2) {
      return tokens[at].hidden;
    }
  }
  return true;
}
