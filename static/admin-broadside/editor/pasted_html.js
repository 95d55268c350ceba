/* Reading pasted HTML. */

/** Return the body of `html` in a document in which nothing runs or loads. */
export function parse(html) {
  const { body } = inertDocument();
  body.innerHTML = html;
  return body;
}

/** Return the styles of an element by their names, in lower case. */
export function stylesOf(element) {
  const declarations = (element.getAttribute("style") ?? "").toLowerCase().split(";");
  return Object.fromEntries(declarations.map((each) => [each.split(":", 1)[0].trim(), each.slice(each.indexOf(":") + 1).trim()]));
}

/* Since the document has no window, the browser doesn't even report what doesn't load. */
function inertDocument() {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const page = frame.contentDocument.implementation.createHTMLDocument("");
  frame.remove();
  return page;
}
