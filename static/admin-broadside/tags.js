/* Suggests tags that are there for the name that is being typed. Commas part names; a name that fits nothing
 * becomes a new tag. Without this script it is a text area.
 *
 * The pattern is the editable list autocomplete of the ARIA Authoring Practices: the focus stays in the field, the
 * arrow keys point into the list. */

const PATIENCE = 150; // milliseconds without a key before the server is asked
const COMMA = /[,،\n]/;

for (const field of document.querySelectorAll("textarea[data-suggest]")) {
  suggestFor(field);
}

function suggestFor(field) {
  const box = document.createElement("div");
  const list = document.createElement("ul");
  const said = document.createElement("span");
  let waiting = 0;
  let asked = null;
  let active = -1;

  box.className = "tags-box";
  list.className = "tags-list";
  list.id = `${field.id}_list`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.labels[0]?.textContent ?? "");
  list.hidden = true;
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  field.before(box);
  box.append(field, list, said);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PATIENCE);
  });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) {
      return;
    }
    const choices = list.hidden ? 0 : list.children.length;
    if (event.key === "ArrowDown" && choices) {
      point((active + 1) % choices);
    } else if (event.key === "ArrowUp" && choices) {
      point((active <= 0 ? choices : active) - 1);
    } else if (event.key === "Enter") {
      take(active >= 0 ? list.children[active].textContent : word().typed);
    } else if (event.key === "Escape" && choices) {
      close();
    } else {
      return;
    }
    event.preventDefault();
  });
  // Not "click": the field must not lose the focus to the list.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) {
      take(option.textContent);
    }
  });

  /* The name that the caret stands in, and where it starts and ends. */
  function word() {
    const { value, selectionStart: caret } = field;
    let start = caret;
    while (start > 0 && !COMMA.test(value[start - 1])) {
      start -= 1;
    }
    let end = caret;
    while (end < value.length && !COMMA.test(value[end])) {
      end += 1;
    }
    return { start, end, typed: value.slice(start, caret).trim() };
  }

  async function ask() {
    asked?.abort();
    const { typed } = word();
    if (!typed) {
      close();
      return;
    }
    asked = new AbortController();
    const address = `${field.dataset.suggest}?${new URLSearchParams({ q: typed })}`;
    try {
      const response = await fetch(address, { signal: asked.signal });
      show((await response.json()).names);
    } catch {
      // Another letter came first, or there is no answer: typing goes on without suggestions.
      close();
    }
  }

  function show(names) {
    const there = new Set(field.value.split(COMMA).map((name) => name.trim().toLowerCase()));
    const fresh = names.filter((name) => !there.has(name.toLowerCase()));
    list.replaceChildren(...fresh.map((name, number) => {
      const option = document.createElement("li");
      option.id = `${list.id}_${number}`;
      option.setAttribute("role", "option");
      option.dir = "auto";
      option.textContent = name;
      return option;
    }));
    active = -1;
    field.removeAttribute("aria-activedescendant");
    list.hidden = fresh.length === 0 || document.activeElement !== field;
    said.textContent = list.hidden ? "" : field.dataset.found.replace("{n}", fresh.length);
  }

  function point(number) {
    list.children[active]?.removeAttribute("aria-selected");
    active = number;
    list.children[active].setAttribute("aria-selected", "true");
    list.children[active].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", list.children[active].id);
  }

  /* Put `name` in place of what was typed, and go on to the next. */
  function take(name) {
    const { start, end } = word();
    if (name) {
      const more = field.value.slice(end);
      field.setRangeText(`${start ? " " : ""}${name}${more ? "" : ", "}`, start, end, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    clearTimeout(waiting);
    close();
  }

  function close() {
    list.hidden = true;
    active = -1;
    said.textContent = "";
    field.removeAttribute("aria-activedescendant");
  }
}
