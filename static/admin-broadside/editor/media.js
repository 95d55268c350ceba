/* Images and documents of the media library in the text. */

import { mediaDialog } from "./media_dialog.js";

/** Return a function that asks for a file of a kind, `picture` or `document`, and inserts it. */
export function addMedia(box, field, modes) {
  const ask = mediaDialog(box, field, modes);
  const upload = () => box.querySelector(".editor-file").click();
  const insertImage = (file, alt, caption) => modes.current.insertImage(alt, file.url, caption);
  const insertLink = (file) => modes.current.insertLink(modes.current.selectedText() || file.title, file.url);

  return (kind) => ask({ kind, describe: kind === "picture", upload, done: kind === "picture" ? insertImage : insertLink });
}
