/* After the text was saved, it is shown where it was, with the caret or selection as it was. */

const NAME = "editor-place";

/** Remember the place when the form is submitted, and go back to it once the page that follows `isShown`. */
export function keepPlace(box, field, isShown) {
  field.form.addEventListener("submit", (event) => {
    // A preview opens in another tab.
    if (!event.defaultPrevented && !event.submitter?.formTarget) {
      const { selectionStart: start, selectionEnd: end } = field;
      const hadFocus = box.querySelector(".editor-panes").contains(document.activeElement);
      keep({ url: ownUrl(), start, end, top: shownText(box).scrollTop, hadFocus });
    }
  });
  const place = take();
  // The page after an error leads to that instead.
  if (place?.url === document.referrer && !document.querySelector(".errornote, .conflict")) {
    isShown.then(() => goTo(place));
  }

  function goTo({ start, end, top, hadFocus }) {
    field.setSelectionRange(start, end);
    if (hadFocus) {
      field.focus({ preventScroll: true });
    }
    shownText(box).scrollTop = top;
  }
}

/** Return the element that scrolls the text: that of the visual mode, or the text area. */
function shownText(box) {
  return box.querySelector(".editor-visual:not([hidden])") ?? box.querySelector("textarea");
}

/** Return the URL as the next page gets it. */
function ownUrl() {
  return location.href.split("#")[0];
}

function keep(place) {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(place));
  } catch {
    // The storage is full or turned off: then the text begins at its beginning.
  }
}

function take() {
  try {
    const place = JSON.parse(sessionStorage.getItem(NAME));
    sessionStorage.removeItem(NAME);
    return place;
  } catch {
    return null;
  }
}
