/* Distraction-free writing: the editor fills the window, and nothing else can be reached until Esc is pressed, or there
 * are errors to correct. */

export function addFocusMode(box, field) {
  const button = box.querySelector("[data-tool=focus]");
  // Where saving and autosaving report.
  const reports = document.querySelector(".writing-unsaved");
  const placeOfReports = reports?.parentElement;

  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && box.classList.contains("is-focused")) {
      event.preventDefault();
      toggle();
    }
  });
  field.form.addEventListener("unsaved", () => {
    const errors = field.form.querySelector(".writing-errors");
    if (errors && box.classList.contains("is-focused")) {
      toggle();
      errors.focus();
    }
  });

  function toggle() {
    const isOn = box.classList.toggle("is-focused");
    document.documentElement.classList.toggle("has-focused-editor", isOn);
    button.setAttribute("aria-pressed", String(isOn));
    if (reports) {
      (isOn ? box.querySelector(".editor-foot") : placeOfReports).append(reports);
    }
    // Browsers of 2022 don't know `inert`.
    for (const element of isOn ? elementsAround(box) : document.querySelectorAll(".is-behind-editor")) {
      element.classList.toggle("is-behind-editor", isOn);
    }
    field.focus();
  }

  return toggle;
}

/** Return everything on the page that neither contains `box` nor is in it, except for the label of the text, and for
 * dialogs that the editor can open. */
function elementsAround(box) {
  const found = [];
  for (let node = box; node !== document.body; node = node.parentElement) {
    const others = [...node.parentElement.children].filter((each) => each !== node);
    found.push(...others.filter((each) => !each.matches("dialog:not([open]), label")));
  }
  return found;
}
