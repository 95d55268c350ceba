/* Rich text from Word, Google Docs or a web page as clean Markdown.
 *
 * Nothing here has to be safe, only clean: blog.rendering removes whatever may not be published. */

import Turndown from "../../vendor/turndown/turndown.js";
import { takeImages } from "./pasted_images.js";
import { simplifyTables } from "./pasted_tables.js";
import { nextFootnote } from "./text.js";

// Elements that mean more than their text. Without any of them, plain text is pasted.
const FORMATTED = "a[href], b, blockquote, code, del, em, h1, h2, h3, h4, h5, h6, hr, i, img, li, pre, s, strong, table, [data-footnote], [data-image]";
// In place of an image. HTML can't contain this character.
const IMAGE = /\s*\0(\d+)\0\s*/;
const JUNK =
  "base, button, form, iframe, input, link, meta, noscript, object, script, select, style, svg, template, textarea, title, xml";
const HEADINGS = "h1, h2, h3, h4, h5, h6";
const BLOCKS = `address, article, aside, blockquote, body, dd, div, dl, dt, figcaption, figure, footer, header, hr, li, main,
  ol, p, pre, section, table, td, th, ul, ${HEADINGS}`;

// Redirects in links, each with the parameter that has the target. Readers need not be counted by these sites, and those
// of Outlook contain the e-mail address of the person who pastes them.
const REDIRECTS = [
  [/^https:\/\/www\.google\.com\/url\?/, "q"],
  [/^https:\/\/[\w.-]+\.safelinks\.protection\.outlook\.com\/[^?]*\?/, "url"],
  [/^https:\/\/lm?\.facebook\.com\/l\.php\?/, "u"],
  [/^https:\/\/www\.youtube\.com\/redirect\?/, "q"],
  [/^https:\/\/vk\.com\/away\.php\?/, "to"],
];

const service = new Turndown({
  headingStyle: "atx",
  bulletListMarker: "-",
  codeBlockStyle: "fenced",
  emDelimiter: "*",
  hr: "---",
  br: "\\",
});
const escapeMarkdown = service.escape.bind(service);
// Text that looks like HTML stays text.
service.escape = (text) => escapeMarkdown(text).replace(/<|&(?=#?\w+;)/g, "\\$&");
service.keep(["sub", "sup"]);
service.addRule("struck", { filter: ["del", "s", "strike"], replacement: (content) => content && `~~${content}~~` });
service.addRule("break", { filter: (node) => node.dataset.paragraph, replacement: () => "\n\n" });
service.addRule("item", { filter: "li", replacement: itemOf });
service.addRule("cell", { filter: ["td", "th"], replacement: (content) => cellOf(content) });
service.addRule("row", { filter: "tr", replacement: (content) => `${content}|\n` });
service.addRule("rows", { filter: ["thead", "tbody", "tfoot"], replacement: (content) => content });
service.addRule("table", { filter: "table", replacement: tableOf });

service.addRule("image", { filter: (node) => node.dataset.image, replacement: imageOf });
service.addRule("footnote", { filter: (node) => node.dataset.footnote, replacement: footnoteOf });

/** Return the `parts` of `html`: Markdown, and files between it; none if plain text would lose nothing. `files` are those
 * that were cut out of it, and `rtf` is the same document in another format. `isIncomplete` means that some of its images
 * are out of reach.
 *
 * Its footnotes get the numbers after those of `text`, into which it is pasted. */
export function toParts(html, { text = "", files = [], rtf = "" } = {}) {
  const { body } = inertDocument();
  body.innerHTML = html;
  for (const junk of body.querySelectorAll(JUNK)) {
    junk.remove();
  }
  for (const element of body.querySelectorAll("[data-footnote], [data-image], [data-paragraph]")) {
    element.removeAttribute("data-footnote");
    element.removeAttribute("data-image");
    element.removeAttribute("data-paragraph");
  }
  for (const element of [...body.querySelectorAll("b, strong, i, em, span")]) {
    useStyles(element);
  }
  makeWordLists(body);
  nestLists(body);
  simplifyTables(body);
  makeFootnotes(body, nextFootnote(text));
  cleanLinks(body);
  const images = takeImages(body, files, rtf);
  const { isIncomplete } = images;
  takeCaptions(body);
  if (!body.querySelector(FORMATTED)) {
    return { parts: [], isIncomplete };
  }
  lowerHeadings(body);
  cleanBreaks(body);
  const turned = service.turndown(body);
  const markdown = turned.replace(/[ \t]+$/gm, "").replace(/\u00a0/g, " ").replace(/\n{3,}/g, "\n\n").trim();
  // Every second one is the number of an image.
  const parts = markdown.split(IMAGE).map((part, index) => (index % 2 ? images.files[part] : part));
  return { parts: parts.filter(Boolean), isIncomplete };
}

/** Return a document in which nothing runs or loads. Since it has no window, the browser doesn't even report that. */
function inertDocument() {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const page = frame.contentDocument.implementation.createHTMLDocument("");
  frame.remove();
  return page;
}

function styleOf(element) {
  return element.getAttribute("style") ?? "";
}

/** Turn styles, which Google Docs uses, into elements, and remove elements whose styles say the opposite. */
function useStyles(element) {
  const style = styleOf(element);
  const isBold = /(?:^|[;\s])font-weight:\s*(?:bold|[6-9]00)/i.test(style);
  const isItalic = /font-style:\s*italic/i.test(style);
  const isPlain = element.matches("b, strong") && /(?:^|[;\s])font-weight:\s*(?:normal|400)/i.test(style);
  if (isPlain || (element.matches("i, em") && /font-style:\s*normal/i.test(style))) {
    element.replaceWith(...element.childNodes);
  } else if (element.localName === "span" && !element.closest(HEADINGS)) {
    const names = [isBold && "strong", isItalic && "em", /text-decoration[^;]*line-through/i.test(style) && "del"];
    for (const name of names.filter(Boolean)) {
      const wrapper = element.ownerDocument.createElement(name);
      wrapper.append(...element.childNodes);
      element.append(wrapper);
    }
  }
}

/** Turn the paragraphs that Word uses for list items into lists. */
function makeWordLists(body) {
  let lists = [];
  let previous = null;
  for (const paragraph of [...body.querySelectorAll("p, h1, h2, h3, h4, h5, h6")]) {
    const level = styleOf(paragraph).match(/mso-list:[^;]*\blevel(\d)/)?.[1];
    if (!level) {
      continue;
    }
    const mark = [...paragraph.querySelectorAll("span")].find((each) => /mso-list:\s*Ignore/i.test(styleOf(each)));
    const name = /^\s*(?:\d+|[a-z]{1,4})[.)]/i.test(mark?.textContent ?? "") ? "ol" : "ul";
    mark?.remove();
    if (!previous || paragraph.previousElementSibling !== previous.at) {
      lists = [];
    }
    lists.length = Math.min(lists.length, Number(level));
    while (lists.length < Number(level)) {
      const list = body.ownerDocument.createElement(name);
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

/** Put lists that are directly in another list, as in Google Docs, into the item before them. */
function nestLists(body) {
  for (const list of body.querySelectorAll(":is(ul, ol) > :is(ul, ol)")) {
    list.previousElementSibling?.append(list);
  }
}

/** Remove line breaks that only keep blocks apart, as in Google Docs and e-mails. Several in a row begin a paragraph. */
function cleanBreaks(body) {
  for (const line of body.querySelectorAll("br")) {
    if (isAtEdge(line, "previousSibling") || isAtEdge(line, "nextSibling")) {
      line.remove();
    }
  }
  for (const line of body.querySelectorAll(":is(blockquote, body, div, p) > br")) {
    for (let next = line.nextSibling; next && isBlank(next); next = line.nextSibling) {
      line.dataset.paragraph ||= next.localName === "br" ? "1" : "";
      next.remove();
    }
  }
}

/** Whether there is nothing between `node` and the edge of its block, or of another block, in this direction. */
function isAtEdge(node, direction) {
  let next = node[direction];
  while (next && isBlank(next)) {
    next = next[direction];
  }
  return next ? next.matches?.(BLOCKS) : node.parentNode.matches(BLOCKS) || isAtEdge(node.parentNode, direction);
}

/** Whether `node` is a line break, white space or a comment. */
function isBlank(node) {
  return node.localName === "br" || node.nodeType === Node.COMMENT_NODE || node.nodeValue?.trim() === "";
}

/** Mark footnotes of Word and LibreOffice: links and paragraphs whose links lead to each other. */
function makeFootnotes(body, number) {
  for (const link of [...body.querySelectorAll("a[name][href^='#']")]) {
    const { name } = link;
    const back = [...body.querySelectorAll("a[name]")].find(
      (each) => `#${each.name}` === link.getAttribute("href") && each.getAttribute("href") === `#${name}`,
    );
    const note = back?.closest("p, li, div");
    if (!note || !(link.compareDocumentPosition(back) & Node.DOCUMENT_POSITION_FOLLOWING)) {
      continue;
    }
    const mark = body.ownerDocument.createElement("span");
    mark.textContent = mark.dataset.footnote = number;
    (link.closest("sup") ?? link).replaceWith(mark);
    const text = body.ownerDocument.createElement("p");
    text.dataset.footnote = number;
    back.remove();
    text.append(...note.childNodes);
    note.replaceWith(text);
    number += 1;
  }
  // The line that Word draws above its footnotes.
  body.querySelectorAll("[style*='mso-element:footnote-list'] > :is(br, hr)").forEach((line) => line.remove());
}

function imageOf(_content, node) {
  return `\n\n\0${node.dataset.image}\0\n\n`;
}

function footnoteOf(content, node) {
  const mark = `[^${node.dataset.footnote}]`;
  return node.localName === "p" ? `\n\n${mark}: ${content.trim().replace(/\n(?=.)/g, "\n    ")}\n\n` : mark;
}

/** Return where `url` leads in the end, if a program or a site has put a redirect in its place. */
export function targetOf(url) {
  const [, parameter] = REDIRECTS.find(([redirect]) => redirect.test(url)) ?? [];
  return (parameter && new URL(url).searchParams.get(parameter)) || url;
}

/** Keep links that lead somewhere, without redirects. */
function cleanLinks(body) {
  for (const link of body.querySelectorAll("a")) {
    const href = ownUrl(link.getAttribute("href") ?? "");
    const target = targetOf(href);
    if (target !== href && link.textContent.trim() === href) {
      link.textContent = target;
    }
    if (/^(?:https?:|mailto:|tel:|\/(?!\/))/i.test(target) && (link.textContent.trim() || link.querySelector("img"))) {
      link.setAttribute("href", target.replace(/\s/g, "%20"));
      link.removeAttribute("title");
    } else {
      link.replaceWith(...link.childNodes);
    }
  }
  for (const image of body.querySelectorAll("img")) {
    image.setAttribute("src", ownUrl(image.getAttribute("src") ?? ""));
    image.removeAttribute("title");
  }
}

/** Make captions without links the titles of their images, as captions are written in Markdown. */
function takeCaptions(body) {
  for (const figure of body.querySelectorAll("figure")) {
    const caption = figure.querySelector(":scope > figcaption");
    const [image, ...others] = figure.querySelectorAll("img");
    if (caption && image && !others.length && !caption.querySelector("a, img")) {
      image.title = caption.textContent.replace(/\s+/g, " ").trim().replace(/\\|&(?=#?\w+;)/g, "\\$&");
      caption.remove();
    }
  }
}

/** Return `url` without this site's own origin. */
function ownUrl(url) {
  return url.startsWith(`${location.origin}/`) ? url.slice(location.origin.length) : url;
}

/** Make headings begin at the second level, because the post's title is the first, and remove bold from headings. */
function lowerHeadings(body) {
  const headings = [...body.querySelectorAll(HEADINGS)];
  const hasFirst = headings.some((heading) => heading.localName === "h1");
  for (const heading of headings) {
    for (const bold of heading.querySelectorAll("b, strong")) {
      bold.replaceWith(...bold.childNodes);
    }
    if (hasFirst) {
      const lower = body.ownerDocument.createElement(`h${Math.min(6, Number(heading.localName[1]) + 1)}`);
      lower.append(...heading.childNodes);
      heading.replaceWith(lower);
    }
  }
}

function itemOf(content, node) {
  const parent = node.parentNode;
  const index = [...parent.children].indexOf(node);
  const mark = parent.localName === "ol" ? `${(Number(parent.getAttribute("start")) || 1) + index}. ` : "- ";
  const indented = content.trim().replace(/\n{2,}/g, parent.querySelector("p + p") ? "\n\n" : "\n");
  return `${mark}${indented.replace(/\n(?=.)/g, `\n${" ".repeat(mark.length)}`)}${node.nextSibling ? "\n" : ""}`;
}

function cellOf(content) {
  return `| ${content.trim().replace(/\s*\\?\n\s*/g, " ").replace(/\\?\|/g, "\\|")} `;
}

/** Return a table with its first row as the header, which Markdown requires. */
function tableOf(content) {
  const rows = content.split("\n").filter((row) => row.startsWith("|"));
  if (!rows.length) {
    return `\n\n${content}\n\n`;
  }
  const columns = rows[0].replaceAll("\\|", "").split("|").length - 2;
  return `\n\n${rows[0]}\n${"| --- ".repeat(columns)}|\n${rows.slice(1).join("\n")}\n\n`;
}
