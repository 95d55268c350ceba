/* After the text has been saved, restores the scroll position and the caret or selection. */

const NAME = "editor-place";

/** Remember the place when the form is submitted, and return to it once the page that follows `isShown`. */
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
  // After an error, the page leads to that instead.
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

/** Return the element that scrolls the text: the visual mode or the text area. */
function shownText(box) {
  return box.querySelector(".editor-visual:not([hidden])") ?? box.querySelector("textarea");
}

/** Return the URL that the next page sees as its referrer. */
function ownUrl() {
  return location.href.split("#")[0];
}

function keep(place) {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(place));
  } catch {
    // Storage is full or turned off. The next page then starts at the top.
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
