/* The live preview: the text as the site will show it, in a frame with the site's own stylesheet.
 *
 * The frame runs no scripts. It is part of this page (`srcdoc`), so this module may change what is in it. */

import { timeout } from "../timeout.js";
import { blocksOf, middleOf } from "./following.js";

const DELAY = 400; // milliseconds after the last key
// Texts with more characters than this take the server noticeably long, so they are sent less often.
const LONG = 50_000;
const LONG_DELAY = 3000;
const WORDS_PER_MINUTE = 230;

export function followText(box, field) {
  const frame = box.querySelector(".editor-preview");
  const notice = box.querySelector(".editor-notice");
  const count = box.querySelector(".editor-count");
  const form = field.form;
  const rightToLeft = frame.dataset.rightToLeft.split(" ");
  let timer = 0;
  let request = null;
  let hasFailed = false;
  let shown = document.createElement("div");
  let blocks = [];

  frame.hidden = false;
  frame.addEventListener("load", fill);
  if (frame.contentDocument?.querySelector(".entry-body")) {
    fill();
  }
  field.addEventListener("input", schedule);
  // Either the source or the visual mode scrolls.
  box.addEventListener("scroll", (event) => scrollAlong(event.target), { capture: true });
  for (const name of ["title", "language"]) {
    form.elements[name]?.addEventListener("input", schedule);
  }
  form.elements.language?.addEventListener("input", setLanguage);
  setLanguage();
  showFocus(frame);
  // The server can be reached again, or the user has logged in again.
  form.addEventListener("saved", retry);
  form.addEventListener("resumed", retry);
  window.addEventListener("online", retry);
  update();

  function retry() {
    if (hasFailed) {
      schedule();
    }
  }

  /** Have the text checked and read aloud in its own language, and not in that of the admin. */
  function setLanguage() {
    const { title, excerpt, language } = form.elements;
    for (const written of [title, field, box.querySelector(".editor-visual"), excerpt].filter(Boolean)) {
      setOrRemove(written, "lang", language?.value);
    }
  }

  function schedule() {
    clearTimeout(timer);
    timer = setTimeout(update, field.value.length > LONG ? LONG_DELAY : DELAY);
  }

  async function update() {
    request?.abort();
    const own = new AbortController();
    request = own;
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.append("content", field.value);
    body.append("language", form.elements.language?.value ?? "");
    let message = field.value.length > LONG ? notice.dataset.long : "";
    try {
      const response = await fetch(field.dataset.markdownxUrlsPath, { method: "POST", body, signal: timeout(own) });
      const html = await response.text();
      const parsed = new DOMParser().parseFromString(html, "text/html").body;
      hasFailed = !response.ok;
      if (response.ok) {
        shown = parsed;
        fill();
      } else {
        // Any response other than our own is a whole page.
        message = /<html/i.test(html) ? notice.dataset.failed : parsed.textContent;
      }
    } catch {
      if (own !== request) {
        return;
      }
      hasFailed = true;
      message = notice.dataset.failed;
    }
    if (notice.textContent !== message) {
      notice.textContent = message;
    }
  }

  /** Show the title and the text. Unchanged blocks stay, so that their images don't flicker. */
  function fill() {
    const page = frame.contentDocument;
    const body = page.querySelector(".entry-body");
    const article = page.querySelector("article");
    const language = form.elements.language?.value ?? "";
    page.querySelector(".entry-title").textContent = form.elements.title?.value ?? "";
    setOrRemove(article, "lang", language);
    setOrRemove(article, "dir", language && (rightToLeft.includes(language) ? "rtl" : "ltr"));
    const text = page.importNode(shown, true);
    for (const link of text.querySelectorAll("a[href]")) {
      const url = link.getAttribute("href");
      if (url.startsWith("#")) {
        // A link to a footnote. In the frame, URLs are relative to that of this page.
        link.href = `about:srcdoc${url}`;
      } else {
        link.target = "_blank";
      }
    }
    replaceChanged(body, [...text.childNodes]);
    showCount(body.textContent);
    blocks = blocksOf(body);
    scrollAlong(box.querySelector(".editor-visual:not([hidden])") ?? field);
  }

  function showCount(text) {
    const words = countWords(text, form.elements.language?.value);
    const minutes = Math.ceil(words / WORDS_PER_MINUTE);
    count.textContent = count.dataset.text
      .replace("{words}", words.toLocaleString(document.documentElement.lang))
      .replace("{minutes}", minutes.toLocaleString(document.documentElement.lang));
  }

  /** Scroll the preview to the words in the visible part of the text, or as far down proportionally. */
  function scrollAlong(text) {
    const page = frame.contentDocument?.scrollingElement;
    const room = text.scrollHeight - text.clientHeight;
    if (!page || room <= 0 || !text.matches("textarea, .editor-visual")) {
      return;
    }
    const isInside = text.scrollTop > 0 && text.scrollTop < room - 1;
    const middle = isInside ? middleOf(text, blocks) : null;
    page.scrollTop =
      middle === null
        ? (text.scrollTop / room) * (page.scrollHeight - page.clientHeight)
        : page.scrollTop + middle - page.clientHeight / 2;
  }
}

/* Show when the Tab key has led into the frame, which then scrolls with the arrow keys. It never matches `:focus`. */
function showFocus(frame) {
  let isTab = false;
  document.addEventListener("keydown", ({ key }) => {
    isTab = key === "Tab";
  });
  // Firefox tells that the focus has left before it tells where it is.
  window.addEventListener("blur", () =>
    setTimeout(() => frame.classList.toggle("has-focus", isTab && document.activeElement === frame)),
  );
  document.addEventListener("focusin", () => {
    isTab = false;
    frame.classList.remove("has-focus");
  });
}

function setOrRemove(element, name, value) {
  if (value) {
    element.setAttribute(name, value);
  } else {
    element.removeAttribute(name);
  }
}

/** Give `parent` these `children`, keeping those at the beginning and end that are the same as before. */
function replaceChanged(parent, children) {
  const old = [...parent.childNodes];
  let start = 0;
  while (start < old.length && start < children.length && old[start].isEqualNode(children[start])) {
    start += 1;
  }
  let end = 0;
  while (
    end < Math.min(old.length, children.length) - start &&
    old[old.length - 1 - end].isEqualNode(children[children.length - 1 - end])
  ) {
    end += 1;
  }
  for (const node of old.slice(start, old.length - end)) {
    node.remove();
  }
  const after = old[old.length - end] ?? null;
  for (const node of children.slice(start, children.length - end)) {
    parent.insertBefore(node, after);
  }
}

/** Return the number of words. Firefox before 125 can't find them in languages without spaces, such as Thai. */
function countWords(text, language) {
  if (!Intl.Segmenter) {
    return text.split(/[^\p{L}\p{N}'’-]+/u).filter(Boolean).length;
  }
  const segmenter = new Intl.Segmenter(language || undefined, { granularity: "word" });
  return [...segmenter.segment(text)].filter((segment) => segment.isWordLike).length;
}
