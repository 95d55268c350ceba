/* Suggests existing tags while a name is typed. Names are separated by commas. Without this script it is a text area.
 *
 * Follows the pattern "editable combobox with list autocomplete" of the ARIA Authoring Practices: the focus stays in
 * the field, and the arrow keys move through the list. */

const DELAY = 150; // milliseconds without a key before suggestions are requested
const COMMA = /[,،\n]/;

for (const field of document.querySelectorAll("textarea[data-suggest]")) {
  enhance(field);
}

function enhance(field) {
  const container = document.createElement("div");
  const list = document.createElement("ul");
  const status = document.createElement("span");
  let timer = 0;
  let request = null;
  let active = -1;

  container.className = "tags-box";
  list.className = "tags-list";
  list.id = `${field.id}_list`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.labels[0]?.textContent ?? "");
  list.hidden = true;
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  field.before(container);
  container.append(field, list, status);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, DELAY);
  });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) {
      return;
    }
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "ArrowDown" && count) {
      activate((active + 1) % count);
    } else if (event.key === "ArrowUp" && count) {
      activate((active <= 0 ? count : active) - 1);
    } else if (event.key === "Enter") {
      complete(active >= 0 ? list.children[active].textContent : currentName().text);
    } else if (event.key === "Escape" && count) {
      close();
    } else {
      return;
    }
    event.preventDefault();
  });
  // Not "click", which would move the focus from the field to the list.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) {
      complete(option.textContent);
    }
  });

  /* The name at the caret, up to the caret, and where the whole name starts and ends. */
  function currentName() {
    const { value, selectionStart: caret } = field;
    let start = caret;
    while (start > 0 && !COMMA.test(value[start - 1])) {
      start -= 1;
    }
    let end = caret;
    while (end < value.length && !COMMA.test(value[end])) {
      end += 1;
    }
    return { start, end, text: value.slice(start, caret).trim() };
  }

  async function suggest() {
    request?.abort();
    const { text } = currentName();
    if (!text) {
      close();
      return;
    }
    request = new AbortController();
    const url = `${field.dataset.suggest}?${new URLSearchParams({ q: text })}`;
    try {
      const response = await fetch(url, { signal: request.signal });
      show((await response.json()).names);
    } catch {
      // More was typed, or the request failed. Typing goes on without suggestions.
      close();
    }
  }

  function show(names) {
    const entered = new Set(field.value.split(COMMA).map((name) => name.trim().toLowerCase()));
    const suggestions = names.filter((name) => !entered.has(name.toLowerCase()));
    list.replaceChildren(...suggestions.map((name, index) => {
      const option = document.createElement("li");
      option.id = `${list.id}_${index}`;
      option.setAttribute("role", "option");
      option.dir = "auto";
      option.textContent = name;
      return option;
    }));
    active = -1;
    field.removeAttribute("aria-activedescendant");
    list.hidden = suggestions.length === 0 || document.activeElement !== field;
    status.textContent = list.hidden ? "" : field.dataset.found.replace("{n}", suggestions.length);
  }

  function activate(index) {
    list.children[active]?.removeAttribute("aria-selected");
    active = index;
    list.children[active].setAttribute("aria-selected", "true");
    list.children[active].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", list.children[active].id);
  }

  /* Replace the name at the caret with `name`, and start the next one. */
  function complete(name) {
    const { start, end } = currentName();
    if (name) {
      const rest = field.value.slice(end);
      field.setRangeText(`${start ? " " : ""}${name}${rest ? "" : ", "}`, start, end, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    clearTimeout(timer);
    close();
  }

  function close() {
    list.hidden = true;
    active = -1;
    status.textContent = "";
    field.removeAttribute("aria-activedescendant");
  }
}
