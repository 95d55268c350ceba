/* A field that searches a long list on the page, hiding the items that don't contain the typed text. */

const MANY = 12; // a list with more items gets the field

/** Put the field before `list` and return it; null if there are few `items`. `label` and `none` are texts. */
export function addListSearch(list, items, { label, none }) {
  if (items.length <= MANY) {
    return null;
  }
  const field = document.createElement("input");
  const status = document.createElement("p");
  field.type = "search";
  field.autocomplete = "off";
  field.placeholder = label;
  field.setAttribute("aria-label", label);
  status.setAttribute("role", "status");
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
