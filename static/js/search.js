// Suggestions under search fields, as a combobox with a listbox (ARIA Authoring Practices). The form works without them.

// How long to wait after the last key, in milliseconds.
const PAUSE = 150;

function enhance(form, number) {
  const field = form.elements.s;
  const list = document.createElement("ul");
  const status = document.createElement("span");
  let request, timer, options = [], active = -1;

  list.id = `suggestions-${number}`;
  list.className = "search-suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", form.dataset.label);
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  form.append(list, status);
  field.autocomplete = "off";
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id]])
    field.setAttribute(name, value);

  function choose(index) {
    options[active]?.setAttribute("aria-selected", "false");
    active = index;
    const option = options[active];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
  }

  function show(suggestions) {
    options = suggestions.map(({ title, url, kind }, index) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${index}`;
      option.dir = "auto";
      option.dataset.url = url;
      option.textContent = kind ? `${title} (${form.dataset.tag})` : title;
      option.setAttribute("role", "option");
      return option;
    });
    list.replaceChildren(...options);
    list.hidden = !options.length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    status.textContent = list.hidden ? "" : `${form.dataset.label}: ${options.length}`;
    choose(-1);
  }

  async function suggest() {
    request?.abort();
    request = new AbortController();
    const text = field.value.trim();
    if (text.length < 2) return show([]);
    try {
      const url = `${form.dataset.suggestions}?${new URLSearchParams({ q: text })}`;
      const response = await fetch(url, { signal: request.signal });
      if (response.ok) show((await response.json()).suggestions);
    } catch {
      // Aborted by the next key, or offline: the form still works.
    }
  }

  show([]);
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
  field.addEventListener("keydown", (event) => {
    // In Safari, only the deprecated code tells that Enter accepts a suggestion of an input method.
    if (list.hidden || event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(((active + 1 + step + options.length + 1) % (options.length + 1)) - 1);
    else if (event.key === "Enter" && active >= 0) location.assign(options[active].dataset.url);
    else if (event.key === "Escape") show([]);
    else return;
    event.preventDefault();
  });
  // Keep the field from losing the focus.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) location.assign(option.dataset.url);
  });
  field.addEventListener("blur", () => {
    clearTimeout(timer);
    request?.abort();
    show([]);
  });
  if (document.activeElement === field) suggest();
}

// Start when a reader focuses one of the forms. Text typed before that gets suggestions as well.
const forms = document.querySelectorAll("[data-suggestions]");
const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = forms[0].dataset.styles;
styles.onload = styles.onerror = () => forms.forEach(enhance);
document.head.append(styles);
