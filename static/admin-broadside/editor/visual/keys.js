/* The keyboard in the visual mode. Markdown typed at the beginning of a paragraph turns into formatting. */

import {
  chainCommands,
  exitCode,
  InputRule,
  inputRules,
  keymap,
  liftListItem,
  redo,
  setBlockType,
  sinkListItem,
  splitListItem,
  textblockTypeInputRule,
  undo,
  undoInputRule,
  wrappingInputRule,
} from "../../../vendor/prosemirror/prosemirror.js";
import { isMac } from "../../keyboard.js";
import { moveBlock } from "./commands.js";
import { schema } from "./schema.js";

const { nodes } = schema;
const [indent, outdent] = [sinkListItem(nodes.list_item), liftListItem(nodes.list_item)];
// Not Tab, with which users leave the text. Many keyboards type brackets with AltGr, which in Windows is Ctrl+Alt and so
// can't be combined with Ctrl. Macs select words with Option, Shift and arrows, but type brackets with Option alone.
const INDENTING = isMac
  ? { "Alt-Mod-]": indent, "Alt-Mod-[": outdent }
  : { "Alt-Shift-ArrowRight": towards("right"), "Alt-Shift-ArrowLeft": towards("left") };

export function typingRules() {
  return inputRules({
    rules: [
      textblockTypeInputRule(/^(#{1,6})\s$/, nodes.heading, (match) => ({ level: match[1].length })),
      textblockTypeInputRule(/^```$/, nodes.code_block),
      wrappingInputRule(/^>\s$/, nodes.blockquote),
      wrappingInputRule(/^[-+*]\s$/, nodes.bullet_list),
      wrappingInputRule(
        /^(\d{1,9})\.\s$/,
        nodes.ordered_list,
        (match) => ({ order: Number(match[1]) }),
        (match, list) => list.childCount + list.attrs.order === Number(match[1]),
      ),
      new InputRule(/^---$/, (state, _match, start, end) =>
        state.tr.replaceWith(start - 1, end + 1, [nodes.horizontal_rule.create(), nodes.paragraph.create()]),
      ),
    ],
  });
}

export function keys() {
  return keymap({
    "Mod-z": undo,
    "Mod-y": redo,
    "Mod-Shift-z": redo,
    Backspace: chainCommands(undoInputRule, unwrapCode),
    Enter: splitListItem(nodes.list_item),
    "Mod-Enter": exitCode,
    "Shift-Enter": chainCommands(exitCode, breakLine),
    "Mod-]": indent,
    "Mod-[": outdent,
    ...INDENTING,
    "Alt-ArrowUp": moveBlock(-1),
    "Alt-ArrowDown": moveBlock(1),
  });
}

/** Return a command that moves items of a list to this side, inwards in the direction of the text, and outwards against it. */
function towards(side) {
  return (state, dispatch, view) => {
    const { node } = view.domAtPos(state.selection.head);
    const { direction } = getComputedStyle(node instanceof Element ? node : node.parentElement);
    return ((side === "right") === (direction === "ltr") ? indent : outdent)(state, dispatch);
  };
}

function breakLine(state, dispatch) {
  dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView());
  return true;
}

/** With the caret at its beginning, turn a block of code, or an empty block of Markdown, into a paragraph. */
function unwrapCode(state, dispatch) {
  const { $from, empty } = state.selection;
  const { type, content } = $from.parent;
  const isCode = type === nodes.code_block || (type === nodes.raw_block && !content.size);
  return empty && !$from.parentOffset && isCode && setBlockType(nodes.paragraph)(state, dispatch);
}
