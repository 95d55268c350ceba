/* The dialog in which a file of the media library is chosen, with a button for new ones. */

import { element } from "../elements.js";
import { isComposing } from "../keyboard.js";
import { timeout } from "../timeout.js";
import { dialogFrom, moveWithArrows, openDialog, searchWhileTyping, showCount } from "./dialogs.js";

/** Return a function that asks for a file.
 *
 * It takes the `kind`, `picture` or `document`; whether to ask for a description of an image (`describe`); `upload`,
 * which is called when the user wants to add a new file, if that is possible; and `done`, which gets the file, its
 * description and its caption.
 */
export function mediaDialog(box, field, modes = null) {
  let dialog = null;
  let form = null;
  let list = null;
  let search = null;
  let wanted = null;
  let next = null;
  let chosen = null;

  return (request) => {
    wanted = request;
    if (!dialog) {
      build();
    }
    const title = dialog.querySelector("h2");
    title.textContent = title.dataset[wanted.kind];
    list.classList.toggle("is-grid", wanted.kind === "picture");
    dialog.querySelector(".editor-upload").hidden = !wanted.upload;
    list.replaceChildren();
    form.reset();
    choose(null);
    openDialog(dialog, modes?.current);
    search();
  };

  function build() {
    dialog = dialogFrom(box, "editor-media", () => {
      const { alt, caption, decorative } = form.elements;
      wanted.done(chosen, decorative.checked ? "" : onOneLine(alt.value), onOneLine(caption.value));
    });
    form = dialog.querySelector("form");
    list = dialog.querySelector(".editor-results");
    const status = dialog.querySelector(".editor-found");
    const more = dialog.querySelector(".editor-next");
    const urlOf = (q, page) => `${field.dataset.mediaUrl}?${new URLSearchParams({ kind: wanted.kind, q, page })}`;
    const show = (response) => {
      list.append(...(response?.files ?? []).map(itemFor));
      next = response?.next ?? null;
      more.hidden = next === null;
      showCount(status, response && list.children.length);
    };

    search = searchWhileTyping(form.elements.q, (q) => urlOf(q, 1), (response) => {
      list.replaceChildren();
      choose(null);
      show(response);
    });
    moveWithArrows(form.elements.q, list);
    // Enter starts the search at once, and must not insert anything.
    form.elements.q.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !isComposing(event)) {
        event.preventDefault();
        search();
      }
    });
    // In the single-line fields about an image, Enter inserts the image.
    form.querySelector(".editor-alt").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("textarea") && !isComposing(event)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    more.addEventListener("click", async () => {
      if (more.hasAttribute("aria-busy")) {
        return;
      }
      more.setAttribute("aria-busy", "true");
      const last = list.lastElementChild;
      const url = urlOf(form.elements.q.value.trim(), next);
      const response = await fetch(url, { signal: timeout() }).catch(() => null);
      more.removeAttribute("aria-busy");
      if (response?.ok) {
        show(await response.json());
        last?.nextElementSibling?.querySelector("button").focus();
      } else {
        // The button is still there to try again.
        showCount(status, null);
      }
    });
    dialog.querySelector(".editor-upload").addEventListener("click", () => {
      dialog.close();
      wanted.upload();
    });
    form.elements.decorative.addEventListener("change", ({ target }) => {
      form.elements.alt.disabled = target.checked;
    });
  }

  function itemFor(file) {
    const button = element("button", { type: "button" });
    if (wanted.kind === "picture") {
      button.append(element("img", { src: file.thumbnail, alt: file.alt || file.title, loading: "lazy" }));
      button.title = file.title;
    } else {
      button.append(element("bdi", {}, file.title));
    }
    if (wanted.describe) {
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => choose(file, button));
    } else {
      button.addEventListener("click", () => {
        chosen = file;
        form.requestSubmit();
      });
    }
    return element("li", {}, button);
  }

  /** Ask for the description of an image. */
  function choose(file, button = null) {
    chosen = file;
    for (const each of list.querySelectorAll("[aria-pressed]")) {
      each.setAttribute("aria-pressed", String(each === button));
    }
    const details = dialog.querySelector(".editor-alt");
    details.hidden = details.disabled = !file;
    dialog.querySelector(".editor-insert").hidden = !file;
    if (file) {
      dialog.querySelector(".editor-chosen").textContent = file.title;
      form.elements.decorative.checked = form.elements.alt.disabled = false;
      form.elements.alt.value = file.alt;
      form.elements.caption.value = "";
      form.elements.alt.focus();
    }
  }
}

/** Return `text` on one line, because in the source another line would end the image. */
function onOneLine(text) {
  return text.trim().replace(/\s+/g, " ");
}
