/* Dialogs, made from a template of the editor the first time they are needed. */

/** Return the dialog in the template with this class. It is outside the form, so that nothing in it is submitted. */
export function dialogFrom(box, className) {
  const dialog = box.querySelector(`template.${className}`).content.cloneNode(true).querySelector("dialog");
  document.body.append(dialog);
  for (const button of dialog.querySelectorAll(".dialog-close")) {
    button.addEventListener("click", () => dialog.close());
  }
  return dialog;
}
