/* Nodes as Markdown. Blocks that mean the same as their source aren't written here, but repeated (document.js). */

import { MarkdownSerializer, MarkdownSerializerState } from "../../../vendor/prosemirror/prosemirror.js";
import { meaningOf } from "./syntax.js";

// Characters with a meaning anywhere in a line, and bare URLs, in which they have none.
const SPECIAL = /\bhttps?:\/\/(?:(?!&#?\w+;)[^\s<>"`\\*[\]])*[^\s<>"`\\*[\]_~&]|[\\`*~[\]^]|_|<(?=[A-Za-z/!?]|$)|&(?=#?\w+;)/gi;
const END = 1000; // characters
const IN_WORD = /[\p{L}\p{N}]/u;

/** Return the Markdown of a block. `avoided` is the mark of the list before it, which the same mark would continue. */
export function toMarkdown(block, avoided = "") {
  const plain = serialise(block, MARKS, avoided);
  const sure = serialise(block, HTML_MARKS, avoided);
  // Next to some characters, marks have no effect, as in **“a”**b. HTML tags always have.
  return meaningOf(plain) === meaningOf(sure) ? plain : sure;
}

const NODES = {
  paragraph(state, node) {
    if (isGallery(node)) {
      // Each image on its own line, so that they are easy to tell apart.
      const images = node.children.filter((child) => !isBlank(child));
      images.forEach((image, index) => {
        state.write(index ? "\n" : "");
        state.render(image, node, index);
      });
    } else {
      state.renderInline(node);
    }
    state.closeBlock(node);
  },
  heading(state, node) {
    state.write(`${"#".repeat(node.attrs.level)} `);
    state.renderInline(node, false);
    // At the end, they would close the heading.
    state.out = state.out.replace(/ #+$/, (hashes) => hashes.replace("#", "\\#"));
    state.closeBlock(node);
  },
  blockquote(state, node) {
    state.wrapBlock("> ", null, node, () => state.renderContent(node));
  },
  bullet_list(state, node, parent, index) {
    const mark = otherMark(node, parent, index, state.options.avoided);
    state.renderList(node, "  ", () => `${mark} `);
  },
  ordered_list(state, node, parent, index) {
    const mark = otherMark(node, parent, index, state.options.avoided);
    const { order } = node.attrs;
    const width = String(order + node.childCount - 1).length + 2;
    state.renderList(node, " ".repeat(width), (item) => `${order + item}${mark} `.padEnd(width));
  },
  list_item(state, node) {
    state.renderContent(node);
  },
  code_block(state, node) {
    const fence = "`".repeat(Math.max(3, ...Array.from(node.textContent.matchAll(/`{3,}/g), (found) => found[0].length + 1)));
    state.write(`${fence}${node.attrs.params}\n`);
    if (node.textContent) {
      state.text(node.textContent, false);
      state.write("\n");
    }
    state.write(fence);
    state.closeBlock(node);
  },
  raw_block(state, node) {
    state.text(node.textContent, false);
    state.closeBlock(node);
  },
  horizontal_rule(state, node) {
    state.write("---");
    state.closeBlock(node);
  },
  more(state, node) {
    state.write("<!--more-->");
    state.closeBlock(node);
  },
  image(state, { attrs }) {
    state.write(`![${state.esc(attrs.alt)}](${destination(attrs)})`);
  },
  hard_break(state, node, parent, index) {
    // At the end of a block, it would be a literal backslash.
    if (parent.children.slice(index + 1).some((each) => !isBlank(each))) {
      state.write("\\\n");
    }
  },
  raw(state, node) {
    state.write(node.attrs.source);
  },
  text(state, node) {
    state.text(node.text, !state.inAutolink);
  },
};
const CODE = {
  open: (state, mark, parent, index) => backticks(parent.child(index).text)[0],
  close: (state, mark, parent, index) => backticks(parent.child(index - 1).text)[1],
  escape: false,
};
const LINK = {
  open(state, mark, parent, index) {
    state.inAutolink = isAutolink(mark, parent, index);
    return state.inAutolink ? "<" : "[";
  },
  close(state, mark) {
    const wasAutolink = state.inAutolink;
    state.inAutolink = false;
    return wasAutolink ? ">" : `](${destination({ src: mark.attrs.href, title: mark.attrs.title })})`;
  },
  mixable: true,
};
const MARKS = {
  link: LINK,
  em: emphasis("*", "*"),
  strong: emphasis("**", "**"),
  strike: emphasis("~~", "~~"),
  code: CODE,
};
const HTML_MARKS = {
  link: LINK,
  em: emphasis("<em>", "</em>"),
  strong: emphasis("<strong>", "</strong>"),
  strike: emphasis("<s>", "</s>"),
  code: CODE,
};

class State extends MarkdownSerializerState {
  /** The last part of the output. Examining the end of a whole long list for each item would be slow. */
  get out() {
    return this.end;
  }

  set out(text) {
    const cut = text.length > 2 * END ? text.length - END : 0;
    this.written = (this.written ?? "") + text.slice(0, cut);
    this.end = text.slice(cut);
  }

  /** Write the blocks in a list or quotation, without empty paragraphs, which Markdown doesn't have. */
  renderContent(parent) {
    const isFull = parent.children.some((child) => !isEmptyParagraph(child));
    parent.forEach((child, _offset, index) => {
      if (!isFull ? index === 0 : !isEmptyParagraph(child)) {
        this.render(child, parent, index);
      }
    });
  }

  /** Write text, or the beginning of a link, which a preceding exclamation mark would turn into an image. */
  text(text, isEscaped = true) {
    if (!isEscaped && text.startsWith("[") && this.out.endsWith("!")) {
      this.out = `${this.out.slice(0, -1)}\\!`;
    }
    super.text(text, isEscaped);
  }

  /** Escape only the characters that would mean something in Markdown. */
  esc(text, startOfBlock = false) {
    const isLineStart = startOfBlock || this.out.endsWith(`\n${this.delim}`);
    const escaped = (isLineStart ? text.replace(/^\s+/, "") : text).replace(SPECIAL, (found, at, whole) => {
      const isInWord = found === "_" && IN_WORD.test(whole[at - 1] ?? "") && IN_WORD.test(whole[at + 1] ?? "");
      return found.length > 1 || isInWord ? found : `\\${found}`;
    });
    return isLineStart
      ? escaped.replace(/^(?:[+:-](?=[\s-]|$)|[>|=]|#{1,6}(?=\s|$))/, "\\$&").replace(/^(\d{1,9})([.)])(?=\s|$)/, "$1\\$2")
      : escaped;
  }
}

function serialise(block, marks, avoided) {
  const state = new State(NODES, marks, { avoided });
  state.render(block, block, 0);
  // Trailing spaces mean nothing, except in code, which ends with its fence.
  return (state.written + state.out).trimEnd();
}

/** Return the Markdown of a block without checking that its marks have an effect where they are. */
export const quickMarkdown = (block) => serialise(block, MARKS, "");

/** Whether a paragraph has no content that Markdown could express. */
export function isEmptyParagraph(node) {
  return node.type.name === "paragraph" && node.children.every(isBlank);
}

/** Whether a paragraph consists of several images, which readers see as a gallery. */
export function isGallery({ type, children }) {
  const images = children.filter((child) => !isBlank(child));
  return type.name === "paragraph" && images.length > 1 && images.every((child) => child.type.name === "image" && !child.marks.length);
}

function isBlank(inline) {
  return inline.isText ? !inline.text.trim() : inline.type.name === "hard_break";
}

function emphasis(open, close) {
  return { open, close, mixable: true, expelEnclosingWhitespace: true };
}

/** Return the mark of a list, or another mark if the previous list has the same. */
function otherMark(node, parent, index, avoided) {
  const others = { "-": "*", "*": "-", "+": "-", ".": ")", ")": "." };
  const before = index > 0 ? parent.child(index - 1) : null;
  const taken = parent === node ? avoided : before?.type === node.type ? before.attrs.mark : "";
  return taken === node.attrs.mark ? others[taken] : node.attrs.mark;
}

/** Return the text between the parentheses of a link or image. */
function destination({ src, title }) {
  const url = /[\s<>]|^$/.test(src) ? `<${src.replace(/[\\<>]/g, "\\$&")}>` : src.replace(/[\\()]/g, "\\$&");
  return title ? `${url} "${title.replace(/["\\]|&(?=#?\w+;)/g, "\\$&")}"` : url;
}

function isAutolink(mark, parent, index) {
  const { text, marks } = parent.child(index);
  const isAlone = index + 1 === parent.childCount || !mark.isInSet(parent.child(index + 1).marks);
  return isAlone && !mark.attrs.title && /^[a-z][a-z0-9+.-]+:[^\s<>]*$/i.test(mark.attrs.href) && text === mark.attrs.href
    && marks.at(-1) === mark;
}

/** Return the delimiters of code: more backticks than the code contains. */
function backticks(code) {
  const ticks = "`".repeat(1 + Math.max(0, ...Array.from(code.matchAll(/`+/g), (found) => found[0].length)));
  const space = /^`|`$|^ .*[^ ].* $/s.test(code) ? " " : "";
  return [ticks + space, space + ticks];
}
