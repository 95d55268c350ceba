/* Rich text from Word, Google Docs or a web page as clean Markdown.
 *
 * Nothing here has to be safe, only clean: blog.rendering removes whatever may not be published. */

import Turndown from "../../vendor/turndown/turndown.js";
import { makeCodeBlocks } from "./pasted_code.js";
import { joinEmphasis } from "./pasted_emphasis.js";
import { parse, stylesOf } from "./pasted_html.js";
import { takeImages } from "./pasted_images.js";
import { simplifyTables } from "./pasted_tables.js";
import { cleanWord } from "./pasted_word.js";
import { nextFootnote } from "./text.js";

// Elements that mean more than their text. Without any of them, plain text is pasted.
const FORMATTED = `a[href], b, blockquote, code, del, em, h1, h2, h3, h4, h5, h6, hr, i, img, li, pre, s, strong, sub, sup, table,
  [data-footnote], [data-image], [data-pm-slice]`;
// In place of an image. HTML can't contain this character.
const IMAGE = /\s*\0(\d+)\0\s*/;
const JUNK =
  "base, button, form, iframe, input, link, meta, noscript, object, script, select, style, svg, template, textarea, title, xml";
const HEADINGS = "h1, h2, h3, h4, h5, h6";
// Notes of Word and LibreOffice, which may have several paragraphs.
const NOTE = `[style*='mso-element:footnote']:not([style*='-list']), [style*='mso-element:endnote']:not([style*='-list']),
  div[id^='sdfootnote'], div[id^='sdendnote']`;
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
service.addRule("raised", { filter: ["sub", "sup"], replacement: raisedOf });
service.addRule("struck", { filter: ["del", "s", "strike"], replacement: (content) => content && `~~${content}~~` });
service.addRule("break", { filter: (node) => node.dataset.paragraph, replacement: () => "\n\n" });
service.addRule("item", { filter: "li", replacement: itemOf });
service.addRule("cell", { filter: ["td", "th"], replacement: (content) => cellOf(content) });
service.addRule("row", { filter: "tr", replacement: (content) => `${content}|\n` });
service.addRule("rows", { filter: ["thead", "tbody", "tfoot"], replacement: (content) => content });
service.addRule("table", { filter: "table", replacement: tableOf });
// Copied in the visual mode (visual/schema.js).
service.addRule("raw", { filter: (node) => node.matches(".visual-raw"), replacement: (_content, node) => node.textContent });
service.addRule("raw block", {
  filter: (node) => node.matches(".visual-raw-block"),
  replacement: (_content, node) => `\n\n${node.textContent}\n\n`,
});
service.addRule("more", { filter: (node) => node.matches(".visual-more"), replacement: () => "\n\n<!--more-->\n\n" });
service.addRule("image", { filter: (node) => node.dataset.image, replacement: imageOf });
service.addRule("footnote", { filter: (node) => node.dataset.footnote, replacement: footnoteOf });

/** Return the `parts` of `html`: Markdown, and files between it; none if plain text would lose nothing. `files` are those
 * that were cut out of it, and `rtf` is the same document in another format. `isIncomplete` means that some of its images
 * are out of reach.
 *
 * Its footnotes get the numbers after those of `text`, into which it is pasted. */
export function toParts(html, { text = "", files = [], rtf = "" } = {}) {
  const body = parse(html);
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
  const hasMore = cleanWord(body);
  joinEmphasis(body, BLOCKS);
  makeCodeBlocks(body);
  nestLists(body);
  simplifyTables(body);
  makeFootnotes(body, nextFootnote(text));
  cleanLinks(body);
  const images = takeImages(body, files, rtf);
  const { isIncomplete } = images;
  takeCaptions(body);
  if (!hasMore && !body.querySelector(FORMATTED)) {
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

/** Turn styles, which Google Docs uses, into elements, and remove elements whose styles say the opposite. */
function useStyles(element) {
  const styles = stylesOf(element);
  const { "font-weight": weight = "", "font-style": slant, "vertical-align": align } = styles;
  const isPlain = element.matches("b, strong") && /^(?:normal|400)$/.test(weight);
  if (isPlain || (element.matches("i, em") && slant === "normal")) {
    element.replaceWith(...element.childNodes);
  } else if (element.localName === "span" && !element.closest(HEADINGS)) {
    const names = [
      /^(?:bold|[6-9]00)$/.test(weight) && "strong",
      slant === "italic" && "em",
      styles["text-decoration"]?.includes("line-through") && "del",
      align === "super" && "sup",
      align === "sub" && "sub",
    ];
    for (const name of names.filter(Boolean)) {
      const wrapper = element.ownerDocument.createElement(name);
      wrapper.append(...element.childNodes);
      element.append(wrapper);
    }
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

/** Mark footnotes of Word, LibreOffice and Google Docs: links and notes whose links lead to each other. */
function makeFootnotes(body, number) {
  const links = new Map([...body.querySelectorAll("a[href^='#']")].map((link) => [`#${link.name || link.id}`, link]));
  for (const [name, link] of links) {
    const back = links.get(link.getAttribute("href"));
    if (back?.getAttribute("href") !== name || !(link.compareDocumentPosition(back) === Node.DOCUMENT_POSITION_FOLLOWING)) {
      continue;
    }
    const note = back.closest(NOTE) ?? back.closest("p, li, div");
    if (!note) {
      continue;
    }
    const mark = body.ownerDocument.createElement("span");
    mark.textContent = mark.dataset.footnote = number;
    (link.closest("sup") ?? link).replaceWith(mark);
    const text = body.ownerDocument.createElement("p");
    text.dataset.footnote = number;
    (back.closest("sup") ?? back).remove();
    text.append(...note.childNodes);
    note.replaceWith(text);
    number += 1;
  }
  // The line that Word draws above its notes.
  body.querySelectorAll("[style*='mso-element:'][style*='note-list'] > :is(br, hr)").forEach((line) => line.remove());
}

function raisedOf(content, node) {
  return content && `<${node.localName}>${content}</${node.localName}>`;
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
  const isOurs = body.querySelector("[data-pm-slice]") !== null;
  for (const image of body.querySelectorAll("img")) {
    image.setAttribute("src", ownUrl(image.getAttribute("src") ?? ""));
    // The titles of images from this site or from the visual mode are their captions.
    if (!isOurs && !isOwnImage(image.getAttribute("src"))) {
      image.removeAttribute("title");
    }
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

/** Whether the HTML of a copied image is of one from this site, rather than of a smaller copy for readers. */
export function hasOwnImage(html) {
  return [...parse(html).querySelectorAll("img")].some((image) => isOwnImage(ownUrl(image.getAttribute("src") ?? "")));
}

function isOwnImage(url) {
  return /^\/(?!\/)/.test(url) && !url.includes("/renditions/");
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

// What was found out about each list, so that it isn't searched again for each of its items.
const lists = new WeakMap();

function itemOf(content, node) {
  const list = node.parentNode;
  const known = lists.get(list) ?? {
    next: Number(list.getAttribute("start")) || 1,
    hasParagraphs: list.querySelector("p + p") !== null,
  };
  lists.set(list, known);
  const mark = list.localName === "ol" ? `${known.next}. ` : "- ";
  known.next += 1;
  const indented = content.trim().replace(/\n{2,}/g, known.hasParagraphs ? "\n\n" : "\n");
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
