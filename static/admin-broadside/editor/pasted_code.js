/* Code that is pasted from a code editor, a terminal or a page about code. */

import { parse, stylesOf } from "./pasted_html.js";

/** Whether `data` is nothing but code from a code editor or a terminal, whose colours aren't formatting. */
export function isCode(data) {
  return data.types.includes("vscode-editor-data") || isPreformatted(data.getData("text/html"));
}

/** Return the plain text of code, which has its indentation. */
export function codeOf(data) {
  return data.getData("text/plain").replace(/\r\n?/g, "\n").replaceAll("\u00a0", " ").replace(/^\n+/, "").trimEnd();
}

/** Whether `html` is one element in a font for code that keeps white space. (Without the font, it may be a chat.) */
function isPreformatted(html) {
  if (!html.includes("white-space")) {
    return false;
  }
  const body = parse(html);
  body.querySelectorAll("link, meta, style, title").forEach((element) => element.remove());
  const [element, ...others] = body.children;
  if (!element?.matches("div, span") || others.length || body.textContent.trim() !== element.textContent.trim()) {
    return false;
  }
  const { font = "", "font-family": family = font, "white-space": space } = stylesOf(element);
  return /^(?:pre|pre-wrap|break-spaces)$/.test(space) && /mono|consol|courier|menlo/.test(family);
}

/** Make `pre` elements code blocks, in which lines end with line feeds. */
export function makeCodeBlocks(body) {
  for (const block of body.querySelectorAll("pre")) {
    const code = body.ownerDocument.createElement("code");
    const { params } = block.dataset;
    code.className = params ? `language-${params}` : (block.querySelector("code")?.className ?? "");
    block.querySelectorAll("br").forEach((line) => line.replaceWith("\n"));
    code.textContent = block.textContent.replaceAll("\u00a0", " ");
    block.replaceChildren(code);
  }
}
