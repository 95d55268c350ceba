/* Writing in the visual mode: ProseMirror over the text area, with the functions that dialogs, uploads and buttons
 * need. */

import {
  baseKeymap,
  dropCursor,
  EditorState,
  EditorView,
  gapCursor,
  history,
  keymap,
  Plugin,
  Selection,
  TextSelection,
} from "../../../vendor/prosemirror/prosemirror.js";
import { isBlock, readPaste, readRichText } from "../paste.js";
import { codeOf, isCode } from "../pasted_code.js";
import { commands, indexOfInserted, insertBlocks, insertBlocksAfter, insertInline, isActive, linkAtCaret, linkSelection, selectedText } from "./commands.js";
import { blocksOf, endsOf, read, startsOf, write } from "./document.js";
import { keys, typingRules } from "./keys.js";
import { nodeViews } from "./node_views.js";
import { parsePlainText } from "./plain_text.js";
import { schema } from "./schema.js";
import { slashMenu } from "./slash_menu.js";

/** Return the mode for the text area `field`. See source_mode.js for its functions. `uploads` takes files, and
 * `runTool` runs a command of the toolbar. */
export function createVisualMode(box, field, uploads, runTool) {
  const element = box.querySelector(".editor-visual");
  const label = field.labels[0];
  const buttons = box.querySelectorAll(".editor-toolbar button:not([data-tool=focus])");
  let original = null;
  let isWriting = false;

  const view = new EditorView(
    { mount: element },
    {
      state: EditorState.create({ schema }),
      attributes: attributesFrom(field, label),
      nodeViews: nodeViews(element.dataset),
      dispatchTransaction,
      handleKeyDown: learnSelection,
      clipboardTextParser: parsePlainText,
      // Not `handlePaste` and `handleDrop`: before these, ProseMirror parses the HTML, whose styles violate the
      // Content-Security-Policy.
      handleDOMEvents: { paste, drop },
    },
  );
  // Changed by other scripts, for example by adding a description from the media library.
  field.addEventListener("input", () => {
    if (!isWriting && !element.hidden) {
      load();
    }
  });

  label.addEventListener("click", () => {
    if (!element.hidden) {
      mode.focus();
    }
  });

  const mode = {
    commands: Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, () => run(command)])),
    selectedText: () => selectedText(view.state),

    keepSelection() {
      readSelection();
      const { doc, selection } = view.state;
      return () => {
        if (view.state.doc === doc) {
          view.dispatch(view.state.tr.setSelection(selection));
        }
        view.focus();
      };
    },

    linkAtCaret() {
      readSelection();
      return linkAtCaret(view.state);
    },

    insertLink: (text, url, old = null) => run(linkSelection(text, url, old)),
    insertImage(alt, url, title) {
      run(insertBlocks([schema.node("paragraph", null, schema.node("image", { src: url, alt, title }))]));
    },

    insertFiles(code, at, isLeft) {
      const blocks = blocksOf(code);
      if (isLeft) {
        readSelection();
        insertBlocksAfter(blockAt(at), blocks)(view.state, view.dispatch);
      } else {
        run(insertBlocks(blocks));
      }
      const isUndescribed = (node) => node.type === schema.nodes.image && !node.attrs.alt;
      const image = blocks.flatMap((block) => block.children).find(isUndescribed);
      if (image && !isLeft) {
        describe(image.attrs.src);
      }
      return Boolean(image);
    },

    show() {
      load();
      element.hidden = false;
      field.closest("text-expander").hidden = true;
      // Scripts that focus the text area want to focus the text.
      field.focus = () => mode.focus();
      // The preview follows.
      element.dispatchEvent(new Event("scroll"));
    },

    hide() {
      delete field.focus;
      field.closest("text-expander").hidden = false;
      element.hidden = true;
      for (const button of buttons) {
        button.removeAttribute("aria-pressed");
      }
      field.dispatchEvent(new Event("scroll"));
    },

    /** Focus the block in which the caret of the text area is. */
    focus() {
      const index = blockAt(field.selectionStart);
      if (index !== view.state.selection.$from.index(0)) {
        const start = view.state.doc.resolve(view.state.doc.resolve(0).posAtIndex(index));
        view.dispatch(view.state.tr.setSelection(Selection.findFrom(start, 1) ?? Selection.atEnd(view.state.doc)).scrollIntoView());
      }
      view.focus();
    },
  };
  return mode;

  /** Read the text area. */
  function load() {
    const document = read(field.value);
    original = document.original;
    view.updateState(
      EditorState.create({
        doc: withLastParagraph(document.doc),
        plugins: [
          slashMenu(box, runTool),
          typingRules(),
          keys(),
          keymap(baseKeymap),
          history(),
          dropCursor({ color: false, class: "visual-drop" }),
          gapCursor(),
          lastParagraph,
        ],
      }),
    );
    showActive();
  }

  /** Return the index of the block in which this place of the text area is. */
  function blockAt(place) {
    return Math.max(0, startsOf(view.state.doc, original).findLastIndex((start) => start <= place));
  }

  function run(command) {
    readSelection();
    command(view.state, view.dispatch, view);
    view.focus();
  }

  /** Learn the selection before a key is handled: on a slow device, a key may arrive before the browser reports the
   * caret. */
  function learnSelection() {
    if (!view.composing) {
      readSelection();
    }
    return false;
  }

  /** Read the present caret. The browser reports it only before it draws the next frame. */
  function readSelection() {
    const { anchorNode, anchorOffset, focusNode, focusOffset } = document.getSelection();
    const { doc, selection, tr } = view.state;
    if (view.hasFocus() && element.contains(anchorNode) && element.contains(focusNode) && selection instanceof TextSelection) {
      const [anchor, head] = [view.posAtDOM(anchorNode, anchorOffset), view.posAtDOM(focusNode, focusOffset)];
      const current = TextSelection.between(doc.resolve(anchor), doc.resolve(head));
      if (!current.eq(selection)) {
        view.dispatch(tr.setSelection(current));
      }
    }
  }

  function dispatchTransaction(transaction) {
    const before = view.state;
    view.updateState(before.apply(transaction));
    showActive();
    const index = view.state.selection.$from.index(0);
    const isChanged = view.state.doc !== before.doc;
    if (isChanged) {
      field.value = write(view.state.doc, original);
    }
    if (isChanged || index !== before.selection.$from.index(0)) {
      // Notes on a paragraph follow the caret.
      const start = startsOf(view.state.doc, original)[index];
      field.setSelectionRange(start, start);
    }
    if (isChanged) {
      isWriting = true;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      isWriting = false;
    }
  }

  function showActive() {
    for (const button of buttons) {
      const active = isActive(button.dataset.tool, view.state);
      if (active !== null) {
        button.setAttribute("aria-pressed", String(active));
      }
    }
  }

  function describe(url) {
    for (const image of element.querySelectorAll(".visual-image")) {
      const input = image.querySelector("textarea");
      if (image.querySelector("img").getAttribute("src") === url && !input.value) {
        input.focus();
        return;
      }
    }
  }

  function paste(_view, event) {
    const data = event.clipboardData;
    if (data.getData("text/html").includes("data-pm-slice")) {
      return false;
    }
    const isInCode = view.state.selection.$from.parent.type.spec.code;
    const { files, url, ...richText } = readPaste(data, selectedText(view.state), field.value, !isInCode);
    const code = !isInCode && isCode(data) ? codeOf(data) : "";
    if (files) {
      uploads.add(files);
    } else if (url) {
      run(linkSelection(selectedText(view.state), url));
    } else if (code.includes("\n")) {
      run(insertBlocks([schema.node("code_block", null, schema.text(code))]));
    } else {
      insertText(richText, data);
    }
    event.preventDefault();
    return true;
  }

  function drop(_view, event) {
    const data = event.dataTransfer;
    const place = view.posAtCoords({ left: event.clientX, top: event.clientY });
    // ProseMirror moves and copies parts of its own document.
    if (view.dragging || !place) {
      return false;
    }
    view.dispatch(view.state.tr.setSelection(TextSelection.near(view.state.doc.resolve(place.pos))));
    // The editor handles files itself.
    if (!data.files.length) {
      insertText(readRichText(data, field.value), data);
    }
    event.preventDefault();
    return true;
  }

  /* Without any parts, `data` is inserted as plain text. */
  function insertText({ parts, isIncomplete }, data) {
    if (parts?.length) {
      insertParts(parts);
    } else {
      view.pasteText(data.getData("text/plain"));
    }
    if (isIncomplete) {
      uploads.warn();
    }
  }

  /* Insert Markdown, and upload the files to the places between it. */
  function insertParts(parts) {
    const blocks = parts.map((part) => (part instanceof File ? [] : blocksOf(part)));
    const all = blocks.flat();
    if (!all.length) {
      uploads.add(parts);
      return;
    }
    if (parts.length === 1 && all.length === 1 && !isBlock(parts[0])) {
      run(insertInline(all[0].content));
      return;
    }
    readSelection();
    let index = indexOfInserted(view.state) - 1;
    run(insertBlocks(all));
    const ends = endsOf(view.state.doc, original);
    for (const [number, part] of parts.entries()) {
      if (part instanceof File) {
        uploads.add([part], ends[index] ?? 0);
      }
      index += blocks[number].length;
    }
  }
}

/** Keeps an empty paragraph at the end, which is not part of the text. Without it, nothing could be written after an
 * image or a table on a phone. */
const lastParagraph = new Plugin({
  appendTransaction: (_transactions, _before, { doc, tr }) => (endsWritable(doc) ? null : tr.insert(doc.content.size, emptyParagraph())),
});

function withLastParagraph(doc) {
  return endsWritable(doc) ? doc : doc.copy(doc.content.addToEnd(emptyParagraph()));
}

const endsWritable = (doc) => doc.lastChild.type === schema.nodes.paragraph;
const emptyParagraph = () => schema.node("paragraph");

/** Return the attributes that make an element a text area for assistive technology, with the label and errors of
 * `field`. */
function attributesFrom(field, label) {
  const copied = ["aria-describedby", "aria-invalid"].filter((name) => field.hasAttribute(name));
  return {
    role: "textbox",
    "aria-multiline": "true",
    "aria-label": label.textContent.replace(/:\s*$/, "").trim(),
    ...Object.fromEntries(copied.map((name) => [name, field.getAttribute(name)])),
  };
}
