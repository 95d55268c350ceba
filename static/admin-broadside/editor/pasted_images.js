/* The images of pasted documents. Programs put them into the HTML, or beside it into the RTF, or only point to files
 * that a page may not read. */

const IN_HTML = /data:(image\/[\w.+-]+);base64,([\w+/=\s]+)/g;
const IN_RTF = /\\(png|jpeg)blip(?:\\[a-z]+-?\d*|\s|\{[^{}]*\})*([\da-f][\da-f\s]*)\}/gi;
// Smaller ones are blank: they keep a distance, or tell the sender of an e-mail that it was opened.
const MIN_BYTES = 100;
const OUT_OF_REACH = /^(?:file|cid|blob|webkit-fake-url):/i;

/** Return `html` with `cut-out:0` and so on in place of the images in it, and these as files. */
export function cutOutImages(html) {
  const files = [];
  const rest = html.replace(IN_HTML, (_url, type, code) => `cut-out:${files.push(fileOf(type, decode(code))) - 1}`);
  return { html: rest, files };
}

/** Take the images that readers wouldn't see out of `body`, and leave a mark after the block of each one that is
 * available. Return these as files in the order of the marks, and whether others are out of reach. */
export function takeImages(body, files, rtf) {
  const images = [...body.querySelectorAll("img")];
  const inFiles = images.filter((image) => sourceOf(image).startsWith("file:"));
  const found = inFiles.length ? [...rtf.matchAll(IN_RTF)] : [];
  const taken = [];
  let isIncomplete = false;
  for (const image of images.filter((each) => !/^(?:https?:|\/(?!\/))/i.test(sourceOf(each)))) {
    const [, type, code] = (found.length === inFiles.length && found[inFiles.indexOf(image)]) || [];
    const file = code ? fileOf(`image/${type}`, decodeHex(code)) : files[sourceOf(image).match(/^cut-out:(\d+)$/)?.[1]];
    if (file?.size >= MIN_BYTES) {
      // Sent with the file (files.js).
      file.alt = descriptionOf(image);
      const mark = body.ownerDocument.createElement("p");
      mark.dataset.image = mark.textContent = taken.push(file) - 1;
      blockOf(image, body).after(mark);
    }
    isIncomplete ||= !file && OUT_OF_REACH.test(sourceOf(image));
    image.remove();
  }
  return { files: taken, isIncomplete };
}

/** Return the description that the author of a document wrote, rather than Word. */
function descriptionOf({ alt }) {
  return /automatically generated|AI-generated/i.test(alt) ? "" : alt.trim();
}

function sourceOf(image) {
  return image.getAttribute("src") ?? "";
}

/** Return the outermost block around `image`, after which an image doesn't break anything apart, and after which the
 * images before it in the same block are. */
function blockOf(image, body) {
  let block = image;
  for (let each = image; each !== body; each = each.parentElement) {
    if (each.matches("p, table, ul, ol, dl, blockquote, pre, figure, h1, h2, h3, h4, h5, h6, [data-footnote]")) {
      block = each;
    }
  }
  while (block.nextElementSibling?.dataset.image) {
    block = block.nextElementSibling;
  }
  return block;
}

function fileOf(type, bytes) {
  return new File([bytes], `image.${type.slice(6).replace(/\W.*/, "")}`, { type });
}

function decode(code) {
  try {
    return Uint8Array.from(atob(code), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** Decode millions of digits, between which there may be white space. */
function decodeHex(code) {
  const bytes = new Uint8Array(code.length / 2);
  let digits = 0;
  for (let index = 0; index < code.length; index += 1) {
    const character = code.charCodeAt(index);
    if (character >= 0x30) {
      const digit = character <= 0x39 ? character - 0x30 : (character | 0x20) - 0x57;
      bytes[digits >> 1] |= digit << (digits % 2 ? 0 : 4);
      digits += 1;
    }
  }
  return bytes.subarray(0, digits >> 1);
}
