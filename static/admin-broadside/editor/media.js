/* Images and documents of the media library in the text. */

import { addBlock, imageCode, linkCode, selectedText } from "./formatting.js";
import { mediaDialog } from "./media_dialog.js";
import { placeForFiles, replace } from "./text.js";

/** Return the function that asks for a file of a kind, `picture` or `document`, and inserts it. */
export function addMedia(box, field) {
  const ask = mediaDialog(box, field);
  const upload = () => box.querySelector(".editor-file").click();

  return (kind) => ask({ kind, describe: kind === "picture", upload, done: kind === "picture" ? insertImage : insertLink });

  function insertImage(file, description) {
    const place = placeForFiles(field);
    field.setSelectionRange(place, place);
    addBlock(field, imageCode(field, description, file.url));
  }

  function insertLink(file) {
    const code = linkCode(field, selectedText(field) || file.title, file.url);
    replace(field, field.selectionStart, field.selectionEnd, code);
  }
}
