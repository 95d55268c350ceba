/* Moves the blocks of the sidebar, by dragging or with their buttons, without submitting the form. Colours can be
 * picked or entered as a code. Asks before changes are lost. */

import { whenSent } from "./sending.js";

const form = document.querySelector("#siteappearance_form");
const content = () => new URLSearchParams(new FormData(form)).toString();
const saved = form.dataset.isUnsaved === "1" ? null : content();
let isSent = false;

whenSent(form, () => {
  isSent = true;
});
window.addEventListener("pageshow", () => {
  isSent = false;
});
window.addEventListener("beforeunload", (event) => {
  if (!isSent && content() !== saved) {
    event.preventDefault();
  }
});

// On a long page, the first error is easily missed. Buttons that change the form scroll to their change instead.
if (!location.hash) {
  form.querySelector("[aria-invalid=true]")?.focus();
}

for (const field of form.querySelectorAll("[data-pick]")) {
  addPicker(field);
}

/* The field stays, since a picker can't be empty. */
function addPicker(field) {
  const picker = document.createElement("input");
  picker.type = "color";
  picker.setAttribute("aria-label", field.dataset.pick.replace("{label}", field.labels[0].textContent));
  picker.addEventListener("input", () => {
    field.value = picker.value;
  });
  field.addEventListener("input", show);
  show();
  field.after(" ", picker);

  function show() {
    picker.value = /^#[0-9a-f]{6}$/i.test(field.value) ? field.value : field.placeholder;
  }
}

for (const list of document.querySelectorAll("ol.blocks")) {
  const status = list.parentElement.querySelector("[role=status]");
  const addable = list.parentElement.querySelector("select[name=add]");
  let dragged = null;

  // The button that adds a block opens the page again. Until then, the browser is still moving to the fragment.
  window.addEventListener("load", () => {
    if (location.hash === `#${list.id}-new`) {
      const added = list.lastElementChild.querySelector("details");
      added.querySelector(added.open ? "input, textarea" : "summary").focus();
    }
  });

  // Let text in fields be selected as usual.
  list.addEventListener("pointerdown", (event) => {
    const block = event.target.closest("li.block");
    if (block) {
      block.draggable = !event.target.closest("input, textarea, select");
    }
  });

  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[value^=up], button[value^=down], button[value^=remove]");
    const block = button?.closest("li");
    if (!block) {
      return;
    }
    event.preventDefault();
    if (button.value.startsWith("remove")) {
      const next = block.nextElementSibling ?? block.previousElementSibling;
      block.remove();
      offer(block);
      (next?.querySelector("summary") ?? addable).focus();
    } else if (button.value.startsWith("up")) {
      block.previousElementSibling?.before(block);
    } else {
      block.nextElementSibling?.after(block);
    }
    update();
    if (block.isConnected) {
      (button.disabled ? block.querySelector(".block-buttons button:enabled") : button).focus();
      announce(block);
    }
  });

  list.addEventListener("dragstart", (event) => {
    if (event.target.matches?.("li.block")) {
      dragged = event.target;
      event.dataTransfer.effectAllowed = "move";
    }
  });

  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("li.block");
    if (!dragged || !over) {
      return;
    }
    event.preventDefault();
    if (over !== dragged) {
      const box = over.getBoundingClientRect();
      const isAfter = event.clientY > box.top + box.height / 2;
      over[isAfter ? "after" : "before"](dragged);
    }
  });

  list.addEventListener("drop", (event) => event.preventDefault());

  list.addEventListener("dragend", () => {
    if (dragged) {
      announce(dragged);
      dragged = null;
      update();
    }
  });

  function update() {
    for (const block of list.children) {
      block.querySelector("button[value^=up]").disabled = !block.previousElementSibling;
      block.querySelector("button[value^=down]").disabled = !block.nextElementSibling;
    }
  }

  // A block that can occur only once wasn't among those that can be added.
  function offer(block) {
    const kind = block.querySelector("input[name$=-kind]").value;
    if (![...addable.options].some((option) => option.value === kind)) {
      addable.add(new Option(block.dataset.label, kind));
    }
  }

  function announce(block) {
    const place = [...list.children].indexOf(block) + 1;
    status.textContent = list.dataset.moved
      .replace("{name}", block.dataset.name)
      .replace("{place}", place)
      .replace("{total}", list.children.length);
  }
}
