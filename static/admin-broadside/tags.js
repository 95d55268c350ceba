/* Tags as chips, with a field that suggests existing tags while a name is typed. Without this script, the names are in
 * a text area, separated by commas. The text area stays, hidden, and contains what is submitted.
 *
 * Follows the pattern "editable combobox with list autocomplete" of the ARIA Authoring Practices: the focus stays in
 * the field, and the arrow keys move through the list. */

import { element } from "./elements.js";
import { isComposing } from "./keyboard.js";
import { timeout } from "./timeout.js";

const DELAY = 150; // milliseconds without a key before suggestions are requested
const COMMA = /[,،\n]/;
const MAX_TEXT = 100_000; // characters of the text in which tags are looked for

for (const area of document.querySelectorAll("textarea[data-suggest]")) {
  enhance(area);
}

/* Show chips in place of this text area. */
export function enhance(area) {
  const labels = area.dataset;
  const label = area.labels[0]?.textContent.replace(/:\s*$/, "") ?? "";
  const chips = element("ul", { class: "tags-chips", role: "list", "aria-label": label });
  const input = element("input", {
    class: "tags-input",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    autocapitalize: "off",
    dir: "auto",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": `${area.id}_list`,
  });
  const list = element("ul", { class: "tags-list", id: `${area.id}_list`, role: "listbox", "aria-label": label });
  const status = element("span", { class: "visually-hidden", role: "status" });
  const box = element("div", { class: "tags-box" }, chips, input, list);
  let names = split(area.value);
  let timer = 0;
  let request = null;
  let active = -1;

  for (const attribute of ["aria-describedby", "aria-invalid"]) {
    if (area.hasAttribute(attribute)) {
      input.setAttribute(attribute, area.getAttribute(attribute));
    }
  }
  // The label, and links to errors, lead to the visible field.
  input.id = area.id;
  area.id = `${area.id}_names`;
  area.hidden = true;
  list.hidden = true;
  area.before(box);
  box.after(status);
  showChips();
  if (labels.texts.split(" ").every((name) => area.form?.elements[name])) {
    status.after(textSuggestions());
  }

  // Another script has changed the names, for example by restoring a draft.
  area.addEventListener("input", (event) => {
    if (event.isTrusted || !event.detail?.isOwn) {
      names = split(area.value);
      showChips();
    }
  });
  area.form?.addEventListener("reset", () => setTimeout(() => {
    names = split(area.value);
    showChips();
  }));
  area.form?.addEventListener("submit", commit, { capture: true });

  input.addEventListener("input", (event) => typed(event.isComposing));
  input.addEventListener("compositionend", () => typed(false));
  input.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (COMMA.test(text)) {
      event.preventDefault();
      add(split(`${input.value}${text}`));
      input.value = "";
      close();
    }
  });
  // The new chip moves what is below it, so it must not appear before a button there that is pressed has got its click.
  let isPressed = false;
  document.addEventListener("pointerdown", () => {
    isPressed = true;
  }, { capture: true });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => setTimeout(() => {
      isPressed = false;
      commitIfLeft();
    }), { capture: true });
  }
  input.addEventListener("blur", () => {
    setTimeout(commitIfLeft);
    close();
  });
  input.addEventListener("keydown", (event) => {
    if (isComposing(event)) {
      return;
    }
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "ArrowDown" && count) {
      activate((active + 1) % count);
    } else if (event.key === "ArrowUp" && count) {
      activate((active <= 0 ? count : active) - 1);
    } else if (event.key === "Enter") {
      choose(active >= 0 ? list.children[active].dataset.name : input.value);
    } else if (event.key === "Escape" && count) {
      close();
    } else if (event.key === "Backspace" && !input.value && names.length) {
      // The last tag becomes text again, to be corrected or deleted.
      input.value = names.at(-1);
      remove(names.at(-1));
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
      choose(option.dataset.name);
    }
  });
  chips.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) {
      remove(button.value);
      input.focus();
    }
  });

  function typed(isReplaced) {
    // An input method still replaces what it has written, commas included.
    if (!isReplaced && COMMA.test(input.value)) {
      const parts = input.value.split(COMMA);
      const rest = parts.pop();
      add(parts);
      input.value = rest.trimStart();
    }
    clearTimeout(timer);
    timer = setTimeout(suggest, DELAY);
  }

  function commitIfLeft() {
    if (!isPressed && document.activeElement !== input) {
      commit();
    }
  }

  function commit() {
    add([input.value]);
    input.value = "";
  }

  function choose(name) {
    add([name]);
    input.value = "";
    close();
  }

  function add(more) {
    const present = new Set(names.map(key));
    const fresh = split(more.join(",")).filter((name) => !present.has(key(name)) && present.add(key(name)));
    if (fresh.length) {
      names = "single" in labels ? fresh.slice(-1) : [...names, ...fresh];
      changed();
    }
  }

  function remove(name) {
    names = names.filter((other) => other !== name);
    status.textContent = labels.removed.replace("{name}", () => name);
    changed();
  }

  function changed() {
    area.value = names.join(", ");
    showChips();
    area.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: { isOwn: true } }));
  }

  function showChips() {
    chips.hidden = names.length === 0;
    chips.replaceChildren(...names.map((name) => {
      const label = labels.remove.replace("{name}", () => name);
      const button = element("button", { type: "button", value: name, "aria-label": label }, "×");
      return element("li", { class: "tags-chip" }, element("bdi", {}, name), button);
    }));
  }

  async function suggest() {
    request?.abort();
    const text = input.value.trim();
    if (!text) {
      close();
      return;
    }
    request = new AbortController();
    const url = `${labels.suggest}?${new URLSearchParams({ q: text })}`;
    try {
      const response = await fetch(url, { signal: request.signal });
      show((await response.json()).tags, text);
    } catch (error) {
      // Unless more was typed, the request failed. Typing works without suggestions.
      if (error.name !== "AbortError") {
        close();
      }
    }
  }

  function show(tags, text) {
    const present = new Set(names.map(key));
    const options = tags.filter((tag) => !present.has(key(tag.name))).map((tag) => {
      const former = tag.former ? [element("bdi", {}, tag.former), " → "] : [];
      return element("li", { role: "option", "data-name": tag.name }, ...former, ...nameAndCount(tag));
    });
    const found = options.length;
    if (labels.create && !present.has(key(text)) && !tags.some((tag) => key(tag.name) === key(text))) {
      const attributes = { class: "tags-create", role: "option", "data-name": text };
      options.push(element("li", attributes, labels.create.replace("{name}", () => text)));
    }
    options.forEach((option, index) => {
      option.id = `${list.id}_${index}`;
    });
    list.replaceChildren(...options);
    active = -1;
    input.removeAttribute("aria-activedescendant");
    setOpen(options.length > 0 && document.activeElement === input);
    status.textContent = list.hidden ? "" : labels.found.replace("{n}", found);
  }

  function activate(index) {
    list.children[active]?.removeAttribute("aria-selected");
    active = index;
    list.children[active].setAttribute("aria-selected", "true");
    list.children[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", list.children[active].id);
  }

  function close() {
    clearTimeout(timer);
    request?.abort();
    active = -1;
    input.removeAttribute("aria-activedescendant");
    setOpen(false);
  }

  function setOpen(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
  }

  /* Return a button that looks for existing tags in the text, and its results. */
  function textSuggestions() {
    const button = element("button", { class: "button", type: "button" }, labels.fromText);
    const found = element("span", { class: "tags-found", role: "group", "aria-label": labels.fromText });
    button.addEventListener("click", async () => {
      if (button.hasAttribute("aria-busy")) {
        return;
      }
      const fields = labels.texts.split(" ").map((name) => area.form.elements[name]?.value ?? "");
      const body = new URLSearchParams({
        text: fields.join("\n").slice(0, MAX_TEXT),
        csrfmiddlewaretoken: area.form.elements.csrfmiddlewaretoken.value,
      });
      let tags = [];
      button.setAttribute("aria-busy", "true");
      try {
        const response = await fetch(labels.suggest, { method: "POST", body, signal: timeout() });
        ({ tags } = await response.json());
      } catch {
        status.textContent = labels.failed;
        found.textContent = labels.failed;
        return;
      } finally {
        button.removeAttribute("aria-busy");
      }
      const present = new Set(names.map(key));
      tags = tags.filter((tag) => !present.has(key(tag.name)));
      status.textContent = tags.length ? labels.occurring.replace("{n}", tags.length) : "";
      found.replaceChildren(...(tags.length ? tags.map(offer) : [labels.none]));
    });
    found.addEventListener("click", (event) => {
      const chosen = event.target.closest("button");
      if (chosen) {
        const next = chosen.nextElementSibling ?? chosen.previousElementSibling ?? input;
        add([chosen.value]);
        chosen.remove();
        next.focus();
      }
    });
    return element("div", { class: "tags-from-text" }, button, found);
  }
}

function offer(tag) {
  const attributes = { class: "tags-offer", type: "button", value: tag.name };
  return element("button", attributes, "+ ", ...nameAndCount(tag));
}

function nameAndCount({ name, count }) {
  return [element("bdi", {}, name), element("span", { class: "tags-count" }, ` (${count})`)];
}

function split(text) {
  const parts = text.split(COMMA).map((name) => name.trim().replace(/\s+/g, " ")).filter(Boolean);
  return [...new Map(parts.map((name) => [key(name), name])).values()];
}

/* Return the key of a name. Names with the same key are the same tag, as far as a browser can tell. */
function key(name) {
  return name.normalize("NFKC").toLowerCase();
}
