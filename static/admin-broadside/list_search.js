/* A field that searches a long list on the page, hiding the items that don't contain the typed text. */

import { element } from "./elements.js";

const MANY = 12; // a list with more items gets the field

/** Put the field before `list` and return it; null if there are few `items`. `label` and `none` are texts. */
export function addListSearch(list, items, { label, none }) {
  if (items.length <= MANY) {
    return null;
  }
  const field = element("input", { type: "search", autocomplete: "off", placeholder: label, "aria-label": label });
  const status = element("p", { role: "status" });
  list.before(field);
  list.after(status);
  const texts = items.map((item) => fold(item.textContent));
  field.addEventListener("input", () => {
    const wanted = fold(field.value.trim());
    items.forEach((item, index) => {
      item.hidden = !texts[index].includes(wanted);
    });
    status.textContent = items.every((item) => item.hidden) ? none : "";
  });
  return field;
}

function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
