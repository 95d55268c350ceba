/* Filters of lists, which close like menus. Long ones can be searched. Without this script, they are lists of links. */

import { isComposing } from "./keyboard.js";
import { addListSearch } from "./list_search.js";

for (const filter of document.querySelectorAll(".filter")) {
  addSearch(filter.querySelector(".filter-choices"));
  closeOutside(filter);
}

function addSearch(list) {
  const items = [...list.children];
  const field = addListSearch(list, items, list.dataset);
  field?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !isComposing(event)) {
      event.preventDefault();
      items.find((item) => !item.hidden)?.querySelector("a").click();
    }
  });
  list.closest("details").addEventListener("toggle", (event) => {
    if (event.target.open) {
      field?.focus();
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
