/* The dialog for links, which finds the site's own posts and pages. */

import { element } from "../elements.js";
import { dialogFrom, moveWithArrows, openDialog, searchWhileTyping, showCount } from "./dialogs.js";

const IS_URL = /^(?:[a-z][a-z0-9+.-]*:|[/#?]|\.\.?\/|www\.)/i;
const IS_HOST = /^[^\s/@]+\.[a-z]{2,}(?:[/?#]\S*)?$/i;

/** Return a function that asks for a link and puts it where the selection is. */
export function addLinks(box, field, modes) {
  let dialog = null;
  let form = null;
  let search = null;
  let link = null;

  return () => {
    if (!dialog) {
      build();
    }
    link = modes.current.linkAtCaret();
    form.elements.text.value = link?.text ?? modes.current.selectedText().replace(/\s+/g, " ");
    form.elements.url.value = link?.url ?? "";
    dialog.querySelector(".editor-results").replaceChildren();
    openDialog(dialog, modes.current);
    form.elements.url.focus();
    validate();
    search();
  };

  function insert() {
    const { text, url } = form.elements;
    modes.current.insertLink(text.value.trim() || url.value.trim(), complete(url.value.trim()), link);
  }

  function build() {
    dialog = dialogFrom(box, "editor-link", insert);
    form = dialog.querySelector("form");
    const list = dialog.querySelector(".editor-results");
    const status = dialog.querySelector(".editor-found");
    const input = form.elements.url;
    moveWithArrows(input, list);
    input.addEventListener("input", validate);
    search = searchWhileTyping(
      input,
      (words) => {
        const isUrl = looksLikeUrl(words);
        list.hidden = status.hidden = isUrl;
        return isUrl ? "" : `${field.dataset.linksUrl}?${new URLSearchParams({ q: words })}`;
      },
      (response) => {
        showCount(status, response && response.entries.length);
        list.replaceChildren(...(response?.entries ?? []).map((entry) => itemFor(entry, choose)));
      },
    );
  }

  /** Reject words that aren't a URL, unless they were the URL of the link before. */
  function validate() {
    const input = form.elements.url;
    const typed = input.value.trim();
    input.setCustomValidity(!typed || typed === link?.url || looksLikeUrl(typed) ? "" : input.dataset.noUrl);
  }

  function choose(entry) {
    form.elements.text.value ||= entry.title;
    form.elements.url.value = entry.url;
    validate();
    form.requestSubmit();
  }
}

function looksLikeUrl(text) {
  return IS_URL.test(text) || IS_HOST.test(text);
}

function itemFor(entry, choose) {
  const words = [element("bdi", {}, entry.title), " ", element("small", {}, entry.detail)];
  const button = element("button", { type: "button" }, ...words);
  button.addEventListener("click", () => choose(entry));
  return element("li", {}, button);
}

/** Return `url` with a scheme if it begins with a host name, as people type it. */
function complete(url) {
  return !IS_URL.test(url) && IS_HOST.test(url) ? `https://${url}` : url.replace(/^www\./i, "https://$&");
}
