/* Gives images in a text their descriptions from the media library. */

import { escapeHtml, escapeMarkdown } from "./formatting.js";
import { replace } from "./text.js";

/** Describe the first image with this URL in the text that has no description. Return whether there is one. */
export function describe(field, url, alt) {
  const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const markdown = new RegExp(`!\\[\\s*\\](?=\\(\\s*<?${escaped}[\\s>)])`).exec(field.value);
  if (markdown) {
    replaceMatch(field, markdown, `![${escapeMarkdown(alt)}]`);
    return true;
  }
  for (const tag of field.value.matchAll(/<img\b[^>]*>/gi)) {
    const isShown = new RegExp(`\\ssrc\\s*=\\s*["']?${escaped}["'\\s/>]`, "i").test(tag[0]);
    if (isShown && !/\salt\s*=\s*(?:"\s*[^"\s]|'\s*[^'\s]|[^"'\s])/i.test(tag[0])) {
      const bare = tag[0].replace(/\salt(?:\s*=\s*(?:"[^"]*"|'[^']*'))?(?=[\s/>])/i, "");
      replaceMatch(field, tag, bare.replace(/\s*\/?>$/, (end) => ` alt="${escapeHtml(alt)}"${end}`));
      return true;
    }
  }
  return false;
}

function replaceMatch(field, match, text) {
  replace(field, match.index, match.index + match[0].length, text);
}
