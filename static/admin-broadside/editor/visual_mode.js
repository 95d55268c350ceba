/* The visual mode: the text as it will look, for people who don't write Markdown. It is loaded when it is first used.
 *
 * The visual mode reads and writes the text area, which is still submitted, autosaved, previewed and checked. */

const CHOSEN = "editor-visual";

/** Offer the mode, and return a promise that resolves when the editor is shown in the mode that was chosen last. */
export function offerVisualMode(box, field, modes, uploads, run) {
  const source = modes.current;
  const choice = box.querySelector(".editor-modes");
  const status = box.querySelector(".editor-status");
  const [visualButton, sourceButton] = choice.querySelectorAll("button");
  let visual = null;

  choice.hidden = false;
  visualButton.addEventListener("click", () => showVisual({ isAsked: true }));
  sourceButton.addEventListener("click", showSource);
  return localStorage.getItem(CHOSEN) ? showVisual({ isAsked: false }) : Promise.resolve();

  async function showVisual({ isAsked }) {
    if (modes.current !== source) {
      return;
    }
    try {
      const { createVisualMode } = await import("./visual/mode.js");
      visual ??= createVisualMode(box, field, uploads, run);
    } catch {
      status.textContent = choice.dataset.failed;
      return;
    }
    modes.current = visual;
    visual.show();
    press(visualButton);
    if (isAsked) {
      localStorage.setItem(CHOSEN, "1");
      visual.focus();
    }
  }

  function showSource() {
    if (modes.current === source) {
      return;
    }
    visual.hide();
    modes.current = source;
    press(sourceButton);
    localStorage.removeItem(CHOSEN);
    field.focus();
  }

  function press(pressed) {
    for (const button of [visualButton, sourceButton]) {
      button.setAttribute("aria-pressed", String(button === pressed));
    }
  }
}
