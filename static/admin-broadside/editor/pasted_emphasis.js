/* The emphasis of pasted documents, as Markdown can express it. */

// Elements with the same meaning. Two of them in a row would be “**a****b**”.
const SAME = ["b, strong", "i, em", "del, s, strike"];
const PUNCTUATION = /[\p{P}\p{S}]/u;
const IN_WORD = /[^\s\p{P}\p{S}]/u;

/** Join emphasis that immediately follows the same emphasis, and move punctuation out of it that is next to a word, because
 * in “a*, b*”, the asterisks would be text. `blocks` are the elements that no word goes beyond. */
export function joinEmphasis(body, blocks) {
  for (const element of body.querySelectorAll("font, span:not(.visual-raw)")) {
    element.replaceWith(...element.childNodes);
  }
  body.normalize();
  const elements = [...body.querySelectorAll(SAME.join())];
  elements.forEach(joinNext);
  // Inner elements first.
  for (const element of elements.filter((each) => body.contains(each)).reverse()) {
    freePunctuation(element, "firstChild", "previousSibling", blocks);
    freePunctuation(element, "lastChild", "nextSibling", blocks);
  }
}

function joinNext(element) {
  const same = SAME.find((each) => element.matches(each));
  for (let next = element.nextSibling; next?.matches?.(same); next = element.nextSibling) {
    element.append(...next.childNodes);
    next.remove();
  }
  element.normalize();
}

/** Move the punctuation at one end of an element out of it, if a letter or digit comes next to it there. */
function freePunctuation(element, child, sibling, blocks) {
  const text = element[child];
  const isStart = child === "firstChild";
  if (text?.nodeType !== Node.TEXT_NODE || !IN_WORD.test(beside(element, sibling, blocks))) {
    return;
  }
  const { data } = text;
  let length = 0;
  while (length < data.length && PUNCTUATION.test(data.at(isStart ? length : -1 - length))) {
    length += 1;
  }
  const at = isStart ? length : data.length - length;
  element[isStart ? "before" : "after"](isStart ? data.slice(0, at) : data.slice(at));
  text.data = isStart ? data.slice(at) : data.slice(0, at);
  if (!element.textContent && !element.children.length) {
    element.remove();
  }
}

/** Return the character before or after an element in the same block, or an empty string. */
function beside(element, sibling, blocks) {
  let inner = element;
  while (!inner[sibling] && !inner.parentNode.matches(blocks)) {
    inner = inner.parentNode;
  }
  const text = inner[sibling]?.matches?.(`${blocks}, br`) ? "" : (inner[sibling]?.textContent ?? "");
  return text.at(sibling === "nextSibling" ? 0 : -1) ?? "";
}
