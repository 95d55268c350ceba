/* Distraction-free writing: the editor fills the window, and nothing else can be reached until Esc is pressed. */

export function addFocusMode(box, field) {
  const button = box.querySelector("[data-tool=focus]");
  let inert = [];

  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && box.classList.contains("is-focused")) {
      event.preventDefault();
      toggle();
    }
  });

  function toggle() {
    const isOn = box.classList.toggle("is-focused");
    document.documentElement.classList.toggle("has-focused-editor", isOn);
    button.setAttribute("aria-pressed", String(isOn));
    for (const element of inert) {
      element.inert = false;
    }
    inert = isOn ? elementsAround(box) : [];
    for (const element of inert) {
      element.inert = true;
    }
    field.focus();
  }

  return toggle;
}

/** Return everything on the page that neither contains `box` nor is in it, except for dialogs. */
function elementsAround(box) {
  const found = [];
  for (let node = box; node !== document.body; node = node.parentElement) {
    const others = [...node.parentElement.children].filter((each) => each !== node && each.localName !== "dialog");
    found.push(...others.filter((each) => !each.inert));
  }
  return found;
}
