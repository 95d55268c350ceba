/* On going back to a form, browsers put what was typed into the newer form. With it belongs the version to which it was
 * typed, as otherwise saving would overwrite what has been saved since without a conflict. */

// Browsers put nothing back into the form of a post, which has its own copies of what was typed.
const form = document.querySelector("form:not([autocomplete=off]) [name=version]")?.form;
if (form) {
  start(form);
}

function start(form) {
  const versions = [...form.querySelectorAll("[name=version], [name$='-version']")];
  // Once, because browsers refuse to change the state more than a hundred times in half a minute.
  form.addEventListener("input", () => {
    const typedTo = Object.fromEntries(versions.map(({ name, value }) => [name, value]));
    history.replaceState({ ...history.state, typedTo }, "");
  }, { once: true });
  // Some browsers put the values back only now.
  window.addEventListener("pageshow", () => {
    const { typedTo } = history.state ?? {};
    if (typedTo && content(form) !== served(form)) {
      for (const version of versions) {
        version.value = typedTo[version.name] ?? version.value;
      }
    }
  });
}

/* Return what the server has put into the form. */
function served(form) {
  const copy = form.cloneNode(true);
  copy.reset();
  return content(copy);
}

function content(form) {
  return new URLSearchParams(new FormData(form)).toString();
}
