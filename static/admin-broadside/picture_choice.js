/* The images of the site's appearance: chosen in the dialog of the media library, or uploaded in place. Without this
 * script, or for those who may not look into the library while they write, they are in a list. */

import { mediaDialog } from "./editor/media_dialog.js";
import { uploadFile } from "./editor/uploads.js";

const library = document.querySelector(".picture-library");
if (library) {
  // There is no text in which the caret has to stay. Browsers give the focus back to the button.
  const modes = { current: { keepSelection: () => () => {} } };
  const ask = mediaDialog(library, library, modes);
  for (const part of document.querySelectorAll(".picture-choice")) {
    addChoice(part, ask);
  }
}

function addChoice(part, ask) {
  const [select, figure, chooser] = ["select", "figure", "input"].map((name) => part.querySelector(name));
  const [choose, upload, remove] = ["choose", "upload", "remove"].map((name) => part.querySelector(`[data-do=${name}]`));
  const status = part.querySelector("[role=status]");
  const { form, labels: [label] } = select;
  const mayUpload = library.dataset.mayUpload === "1";
  let uploading = null;

  // The buttons are together what the list was: with its label, its help and its errors.
  label.id ||= `${select.id}_label`;
  part.setAttribute("role", "group");
  part.setAttribute("aria-labelledby", label.id);
  const described = select.getAttribute("aria-describedby") ?? "";
  choose.setAttribute("aria-describedby", `${figure.querySelector("figcaption").id} ${described}`.trim());
  label.addEventListener("click", () => choose.focus());
  select.hidden = true;
  part.querySelector(".picture-choice-buttons").hidden = false;
  upload.hidden = !mayUpload;
  update();

  choose.addEventListener("click", () => {
    ask({ kind: "picture", describe: false, upload: mayUpload && (() => chooser.click()), done: show });
  });
  upload.addEventListener("click", () => chooser.click());
  remove.addEventListener("click", () => {
    show(null);
    choose.focus();
  });
  chooser.addEventListener("change", () => {
    const [file] = chooser.files;
    chooser.value = "";
    uploading = send(file).finally(() => {
      uploading = null;
    });
  });
  // What is being uploaded belongs to the form.
  form.addEventListener("submit", async (event) => {
    if (uploading) {
      event.preventDefault();
      await uploading;
      form.requestSubmit(event.submitter);
    }
  });

  async function send(file) {
    const progress = document.createElement("progress");
    progress.setAttribute("aria-label", file.name);
    status.replaceChildren(progress);
    const result = await uploadFile({ form, dataset: library.dataset }, library, file, progress);
    // A document is none of the images.
    const isImage = Boolean(result.file?.thumbnail);
    status.textContent = isImage ? "" : result.error ?? library.dataset.failed;
    if (isImage) {
      show(result.file);
    }
  }

  function show(file) {
    if (file && ![...select.options].some((option) => option.value === String(file.id))) {
      select.add(new Option(file.title, file.id));
    }
    select.value = file?.id ?? "";
    if (file) {
      const image = new Image();
      image.src = file.thumbnail;
      image.alt = file.alt;
      figure.querySelector("img")?.remove();
      figure.prepend(image);
      figure.querySelector("bdi").textContent = file.title;
      figure.querySelector("span").textContent = `(${file.width} × ${file.height})`;
      figure.querySelector("a").href = file.edit;
    }
    status.textContent = "";
    update();
  }

  function update() {
    figure.hidden = remove.hidden = !select.value;
    choose.textContent = select.value ? choose.dataset.other : choose.dataset.first;
  }
}
