/* The nodes and marks of documents in the visual mode.
 *
 * `raw` is Markdown that it doesn't know: shown as code, and changed only by typing.
 * `original` is the index of the block of the source from which a block of the document was read, or null. */

import { Schema } from "../../../vendor/prosemirror/prosemirror.js";

// The direction of its first words. Paragraphs find their own (visual.css); with an attribute, the list around them would not.
const AUTO = { dir: "auto" };

export const schema = new Schema({
  nodes: {
    doc: { content: "block+" },
    paragraph: block({ content: "inline*", parseDOM: [{ tag: "p" }], toDOM: () => ["p", 0] }),
    blockquote: block({
      content: "block+",
      defining: true,
      parseDOM: [{ tag: "blockquote" }],
      toDOM: () => ["blockquote", AUTO, 0],
    }),
    horizontal_rule: block({ parseDOM: [{ tag: "hr" }], toDOM: () => ["div", { class: "visual-rule" }, ["hr"]] }),
    more: block({
      parseDOM: [{ tag: "div.visual-more" }],
      toDOM: () => ["div", { class: "visual-more" }, "Read more"],
    }),
    heading: block({
      attrs: { level: { default: 2 } },
      content: "inline*",
      defining: true,
      parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({ tag: `h${level}`, attrs: { level } })),
      toDOM: (node) => [`h${node.attrs.level}`, 0],
    }),
    code_block: block({
      attrs: { params: { default: "" } },
      content: "text*",
      marks: "",
      code: true,
      defining: true,
      parseDOM: [{ tag: "pre", preserveWhitespace: "full", getAttrs: (element) => ({ params: element.dataset.params ?? "" }) }],
      toDOM: (node) => ["pre", node.attrs.params ? { "data-params": node.attrs.params } : {}, ["code", 0]],
    }),
    raw_block: block({
      content: "text*",
      marks: "",
      code: true,
      defining: true,
      isolating: true,
      parseDOM: [{ tag: "div.visual-raw-block", preserveWhitespace: "full", contentElement: "pre", priority: 60 }],
      toDOM: () => ["div", { class: "visual-raw-block" }, ["pre", 0]],
    }),
    ordered_list: block({
      attrs: { order: { default: 1 }, mark: { default: "." }, tight: { default: true } },
      content: "list_item+",
      parseDOM: [{ tag: "ol", getAttrs: (element) => ({ order: element.start || 1 }) }],
      toDOM: ({ attrs }) => ["ol", { ...AUTO, ...tightness(attrs), start: attrs.order }, 0],
    }),
    bullet_list: block({
      attrs: { mark: { default: "-" }, tight: { default: true } },
      content: "list_item+",
      parseDOM: [{ tag: "ul" }],
      toDOM: ({ attrs }) => ["ul", { ...AUTO, ...tightness(attrs) }, 0],
    }),
    list_item: { content: "block+", defining: true, parseDOM: [{ tag: "li" }], toDOM: () => ["li", 0] },
    text: { group: "inline" },
    image: {
      inline: true,
      group: "inline",
      attrs: { src: {}, alt: { default: "" }, title: { default: null } },
      draggable: true,
      parseDOM: [
        {
          tag: "img[src]",
          getAttrs: (element) => ({
            src: element.getAttribute("src"),
            alt: element.getAttribute("alt") ?? "",
            title: element.getAttribute("title"),
          }),
        },
      ],
      toDOM: (node) => ["img", node.attrs],
    },
    hard_break: { inline: true, group: "inline", selectable: false, parseDOM: [{ tag: "br" }], toDOM: () => ["br"] },
    raw: {
      inline: true,
      group: "inline",
      atom: true,
      attrs: { source: {} },
      parseDOM: [{ tag: "span.visual-raw", getAttrs: (element) => ({ source: element.textContent }) }],
      toDOM: (node) => ["span", { class: "visual-raw", dir: "ltr" }, node.attrs.source],
    },
  },
  marks: {
    link: {
      attrs: { href: {}, title: { default: null } },
      inclusive: false,
      parseDOM: [
        {
          tag: "a[href]",
          getAttrs: (element) => ({ href: element.getAttribute("href"), title: element.getAttribute("title") }),
        },
      ],
      toDOM: (node) => ["a", node.attrs],
    },
    em: { parseDOM: [{ tag: "em" }, { tag: "i" }], toDOM: () => ["em"] },
    strong: { parseDOM: [{ tag: "strong" }, { tag: "b" }], toDOM: () => ["strong"] },
    strike: { parseDOM: [{ tag: "del" }, { tag: "s" }], toDOM: () => ["s"] },
    code: { code: true, parseDOM: [{ tag: "code" }], toDOM: () => ["code"] },
  },
});

function block(spec) {
  return { group: "block", ...spec, attrs: { ...spec.attrs, original: { default: null } } };
}

function tightness(attrs) {
  return attrs.tight ? { class: "is-tight" } : {};
}
