/* What Word writes in its own way, as the HTML that it means. */

import { stylesOf } from "./pasted_html.js";

// Numbers and letters of any script, which bullets aren't: “1.”, “2.1”, “(a)”, “iv)”, “أ-”.
const NUMBER = /^\s*(?:\(?\p{Nd}+(?:\.\p{Nd}+)*[.)-]?|\(?\p{L}{1,5}[.)-])\s*$/u;
// Editors' comments on the text, and text that was deleted while changes were tracked.
const NOT_TEXT = "[style*='mso-element:comment-list'], .MsoCommentReference, .msocomanchor, del[cite^='mailto:']";

/** Change what Word writes in its own way, and return whether comments or deleted text were removed, which its plain text
 * still has. */
export function cleanWord(body) {
  const others = body.querySelectorAll(NOT_TEXT);
  others.forEach((element) => element.remove());
  makeQuotations(body);
  makeLists(body);
  return others.length > 0;
}

function makeQuotations(body) {
  for (const paragraph of body.querySelectorAll("p.MsoQuote, p.MsoIntenseQuote")) {
    let quotation = paragraph.previousElementSibling;
    if (quotation?.localName !== "blockquote") {
      quotation = body.ownerDocument.createElement("blockquote");
      paragraph.before(quotation);
    }
    quotation.append(paragraph);
  }
}

/** Turn the paragraphs that Word uses for list items into lists. Numbered headings keep their numbers as text. */
function makeLists(body) {
  let lists = [];
  let previous = null;
  for (const paragraph of body.querySelectorAll("p, h1, h2, h3, h4, h5, h6")) {
    const level = Number(stylesOf(paragraph)["mso-list"]?.match(/\blevel(\d)/)?.[1]);
    if (!level) {
      continue;
    }
    const mark = [...paragraph.querySelectorAll("span")].find((each) => stylesOf(each)["mso-list"] === "ignore");
    const number = NUMBER.test(mark?.textContent ?? "") ? mark.textContent.trim() : "";
    if (paragraph.localName !== "p") {
      mark?.replaceWith(number && `${number} `);
      continue;
    }
    mark?.remove();
    if (!previous || paragraph.previousElementSibling !== previous.at) {
      lists = [];
    }
    lists.length = Math.min(lists.length, level);
    const name = number ? "ol" : "ul";
    // Another list that follows immediately.
    if (lists.length === level && lists.at(-1).localName !== name) {
      lists.pop();
    }
    while (lists.length < level) {
      const list = body.ownerDocument.createElement(name);
      const start = parseInt(number, 10);
      if (start > 1) {
        list.setAttribute("start", start);
      }
      const outer = lists.at(-1);
      if (!outer) {
        paragraph.before(list);
      } else {
        (outer.lastElementChild ?? outer.appendChild(body.ownerDocument.createElement("li"))).append(list);
      }
      lists.push(list);
    }
    const item = body.ownerDocument.createElement("li");
    item.append(...paragraph.childNodes);
    lists.at(-1).append(item);
    paragraph.remove();
    previous = { at: lists[0] };
  }
}
