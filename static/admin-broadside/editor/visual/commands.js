/* What the buttons of the toolbar do in the visual mode. Pressing a button twice undoes it, as in the source.
 *
 * These are commands as in ProseMirror: functions of the state, a `dispatch` function and the view. */

import {
  Fragment,
  lift,
  liftListItem,
  NodeSelection,
  setBlockType,
  Slice,
  TextSelection,
  toggleMark,
  wrapIn,
  wrapInList,
} from "../../../vendor/prosemirror/prosemirror.js";
import { TABLE } from "../formatting.js";
import { schema } from "./schema.js";
import { isEmptyParagraph, isGallery } from "./serializer.js";

const { nodes, marks } = schema;
const MARKS = { bold: marks.strong, italic: marks.em, code: marks.code, link: marks.link };
const BLOCKS = { quote: nodes.blockquote, list: nodes.bullet_list, numbered: nodes.ordered_list };

/** The commands by the names of their buttons, except for those that open a dialog. */
export const commands = {
  bold: toggleMark(marks.strong),
  italic: toggleMark(marks.em),
  heading: deepenHeading,
  quote: (state, dispatch) => (around(state, nodes.blockquote) ? lift(state, dispatch) : wrapIn(nodes.blockquote)(state, dispatch)),
  list: toggleList(nodes.bullet_list),
  numbered: toggleList(nodes.ordered_list),
  code: toggleCode,
  footnote: addFootnote,
  table: (state, dispatch) => insertBlocks([nodes.raw_block.create(null, schema.text(TABLE))])(state, dispatch),
  embed: addEmbed,
  more: (state, dispatch) => insertBlocks([nodes.more.create()])(state, dispatch),
};

/** Whether a button's formatting is already there; null if the button has no such state. */
export function isActive(name, state) {
  const { $from, from, to, empty } = state.selection;
  if (name in MARKS) {
    const mark = MARKS[name];
    const isInBlock = name === "code" && $from.parent.type === nodes.code_block;
    const found = empty ? mark.isInSet(state.storedMarks ?? $from.marks()) : state.doc.rangeHasMark(from, to, mark);
    return isInBlock || Boolean(found);
  }
  if (name === "heading") {
    return $from.parent.type === nodes.heading;
  }
  return name in BLOCKS ? isAround(name, state) : null;
}

function isAround(name, state) {
  const isList = name !== "quote";
  return (isList ? listAround(state)?.node.type : around(state, nodes.blockquote)?.node.type) === BLOCKS[name];
}

export function selectedText({ doc, selection }) {
  return doc.textBetween(selection.from, selection.to, "\n");
}

/** Return the link at the caret, with its text. */
export function linkAtCaret({ doc, selection: { $from } }) {
  const { parent, parentOffset } = $from;
  const linkOf = (node) => node && marks.link.isInSet(node.marks);
  const found = [parent.childAfter(parentOffset), parent.childBefore(parentOffset)].find(({ node }) => linkOf(node));
  if (!found) {
    return null;
  }
  const link = linkOf(found.node);
  let [first, last] = [found.index, found.index];
  while (first > 0 && link.isInSet(parent.child(first - 1).marks)) {
    first -= 1;
  }
  while (last + 1 < parent.childCount && link.isInSet(parent.child(last + 1).marks)) {
    last += 1;
  }
  const [from, to] = [$from.posAtIndex(first), $from.posAtIndex(last + 1)];
  return { from, to, text: doc.textBetween(from, to), url: link.attrs.href };
}

/** Turn the selection into a link, or change an `old` one. Formatting is kept unless the text changes. */
export function linkSelection(text, url, old = null) {
  return (state, dispatch) => {
    const { from, to } = old ?? state.selection;
    const mark = marks.link.create({ href: url });
    const { tr } = state;
    let end = to;
    if (state.doc.textBetween(from, to, "\n").replace(/\s+/g, " ") !== text || from === to) {
      tr.replaceWith(from, to, schema.text(text, state.doc.resolve(from).marks()));
      end = from + text.length;
    }
    tr.removeMark(from, end, marks.link).addMark(from, end, mark).setSelection(TextSelection.near(tr.doc.resolve(end), -1));
    dispatch(tr.removeStoredMark(marks.link).scrollIntoView());
  };
}

/** Return the index that the first of inserted blocks gets. */
export function indexOfInserted(state) {
  const index = selectedIndex(state);
  return isEmptyParagraph(state.doc.child(index)) ? index : index + 1;
}

function selectedIndex({ doc, selection }) {
  return Math.min(selection.$to.index(0), doc.childCount - 1);
}

/** Insert blocks after the selected one, or in place of an empty paragraph. */
export function insertBlocks(blocks) {
  return (state, dispatch) => {
    const { tr } = state;
    const end = addBlocks(tr, selectedIndex(state), blocks);
    const isText = blocks.at(-1).textContent && !blocks.at(-1).type.spec.code;
    if (!isText && !(end.nodeAfter && isEmptyParagraph(end.nodeAfter))) {
      tr.insert(end.pos, nodes.paragraph.create());
    }
    // At the end of text, or below other blocks.
    tr.setSelection(TextSelection.near(tr.doc.resolve(end.pos), isText ? -1 : 1));
    dispatch(tr.scrollIntoView());
  };
}

/** Insert blocks after the block with this index, or in place of it if it is empty. The selection stays where it is. */
export function insertBlocksAfter(index, blocks) {
  return (state, dispatch) => {
    const { tr } = state;
    addBlocks(tr, index, blocks);
    dispatch(tr);
  };
}

/** Add the same to a transaction, and return where the blocks end. */
function addBlocks(tr, index, blocks) {
  const start = tr.doc.resolve(0).posAtIndex(index);
  const block = tr.doc.child(index);
  const at = isEmptyParagraph(block) ? start : start + block.nodeSize;
  tr.replaceWith(at, start + block.nodeSize, blocks);
  return tr.doc.resolve(at + Fragment.from(blocks).size);
}

export function insertInline(content) {
  return (state, dispatch) => dispatch(state.tr.replaceSelection(new Slice(content, 0, 0)).scrollIntoView());
}

/** Move the block with the selection `step` blocks down. */
export function moveBlock(step) {
  return (state, dispatch) => {
    const { doc, selection, tr } = state;
    if (selection instanceof NodeSelection && selection.node.isInline && isGallery(selection.$from.parent)) {
      return moveInGallery(step, state, dispatch);
    }
    const index = selection.$from.index(0);
    const other = index + step;
    if (other < 0 || other >= doc.childCount || selection.$to.index(0) > index + 1) {
      return false;
    }
    const start = doc.resolve(0).posAtIndex(index);
    const block = doc.child(index);
    const at = start + (step < 0 ? -doc.child(other).nodeSize : doc.child(other).nodeSize);
    tr.delete(start, start + block.nodeSize).insert(at, block);
    const place = (position) => tr.doc.resolve(at + Math.min(block.nodeSize, position - start));
    const moved =
      selection instanceof NodeSelection
        ? NodeSelection.create(tr.doc, at + selection.from - start)
        : TextSelection.between(place(selection.anchor), place(selection.head));
    dispatch?.(tr.setSelection(moved).scrollIntoView());
    return true;
  };
}

/** Exchange the selected image and the one before or after it. */
function moveInGallery(step, { selection: { $from }, tr }, dispatch) {
  const images = $from.parent.children.filter((child) => child.type === nodes.image);
  const index = images.indexOf($from.nodeAfter);
  const other = index + step;
  if (!images[other]) {
    return false;
  }
  [images[index], images[other]] = [images[other], images[index]];
  tr.replaceWith($from.start(), $from.end(), images);
  dispatch?.(tr.setSelection(NodeSelection.create(tr.doc, $from.start() + other)).scrollIntoView());
  return true;
}

/** Make a heading of the second level, then of the third, then a paragraph again. */
function deepenHeading(state, dispatch) {
  const { type, attrs } = state.selection.$from.parent;
  const level = type === nodes.heading ? attrs.level : 1;
  return level < 3
    ? setBlockType(nodes.heading, { level: level + 1 })(state, dispatch)
    : setBlockType(nodes.paragraph)(state, dispatch);
}

function toggleList(type) {
  return (state, dispatch) => {
    const list = listAround(state);
    if (!list) {
      return wrapInList(type)(state, dispatch);
    }
    if (list.node.type === type) {
      return liftListItem(nodes.list_item)(state, dispatch);
    }
    dispatch(state.tr.setNodeMarkup(list.before, type, { tight: list.node.attrs.tight }));
    return true;
  };
}

/** Return the innermost block of one of these types that contains the selection, and the position before it. */
function around({ selection: { $from } }, ...types) {
  for (let depth = $from.depth; depth > 0; depth -= 1) {
    if (types.includes($from.node(depth).type)) {
      return { node: $from.node(depth), before: $from.before(depth) };
    }
  }
  return null;
}

const listAround = (state) => around(state, nodes.bullet_list, nodes.ordered_list);

/** Turn the selected text into code, or several paragraphs into a block of code. */
function toggleCode(state, dispatch) {
  const { $from, $to, empty } = state.selection;
  if ($from.parent.type === nodes.code_block) {
    return setBlockType(nodes.paragraph)(state, dispatch);
  }
  const isInline = $from.sameParent($to) && !(empty && !$from.parent.content.size);
  return isInline ? toggleMark(marks.code)(state, dispatch) : setBlockType(nodes.code_block)(state, dispatch);
}

/** Insert the next footnote: its mark at the caret, and the note at the end of the text, where the caret goes. */
function addFootnote(state, dispatch) {
  const numbers = [];
  state.doc.descendants((node) => {
    const source = node.type === nodes.raw ? node.attrs.source : node.type === nodes.raw_block ? node.textContent : "";
    numbers.push(...Array.from(source.matchAll(/\[\^(\d+)\]/g), (found) => Number(found[1])));
  });
  const mark = `[^${Math.max(0, ...numbers) + 1}]`;
  const { tr, selection } = state;
  tr.insert(selection.to, nodes.raw.create({ source: mark }));
  const last = tr.doc.lastChild;
  const end = tr.doc.content.size - (isEmptyParagraph(last) ? last.nodeSize : 0);
  tr.insert(end, nodes.raw_block.create(null, schema.text(`${mark}: `)));
  dispatch(tr.setSelection(TextSelection.create(tr.doc, end + 1 + mark.length + 2)).scrollIntoView());
}

function addEmbed(state, dispatch) {
  const text = "https://";
  insertBlocks([nodes.paragraph.create(null, schema.text(text))])(state, (tr) => {
    const end = tr.selection.to;
    dispatch(tr.setSelection(TextSelection.create(tr.doc, end - text.length, end)));
  });
}
