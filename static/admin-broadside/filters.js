/* Filters of lists: they close like menus, and long ones can be searched. Without this script they are lists of links. */

const MANY = 12; // with more choices, a filter gets a field that searches them

for (const filter of document.querySelectorAll(".filter")) {
  addSearch(filter.querySelector(".filter-choices"));
  closeOutside(filter);
}

function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function addSearch(list) {
  const items = [...list.children];
  if (items.length <= MANY) {
    return;
  }
  const field = document.createElement("input");
  const none = document.createElement("p");
  field.type = "search";
  field.autocomplete = "off";
  field.placeholder = list.dataset.label;
  field.setAttribute("aria-label", list.dataset.label);
  none.setAttribute("role", "status");
  list.before(field);
  list.after(none);
  const texts = items.map((item) => fold(item.textContent));
  field.addEventListener("input", () => {
    const wanted = fold(field.value.trim());
    items.forEach((item, index) => {
      item.hidden = !texts[index].includes(wanted);
    });
    none.textContent = items.every((item) => item.hidden) ? list.dataset.none : "";
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      items.find((item) => !item.hidden)?.querySelector("a").click();
    }
  });
  list.closest("details").addEventListener("toggle", (event) => {
    if (event.target.open) {
      field.focus();
    }
  });
}

function closeOutside(filter) {
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && filter.open) {
      filter.open = false;
      filter.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (!filter.contains(event.target)) {
      filter.open = false;
    }
  });
}
