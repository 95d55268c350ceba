/* Keeps what was typed when someone goes back to the form of a post.
 *
 * If Safari still has the page, it shows it again, and then resets a form with autocomplete="off", without an event. So
 * the values that fields are reset to become those that they have when the page is left. */

const form = document.querySelector(".writing-form");
window.addEventListener("pagehide", (event) => event.persisted && keepFields());

function keepFields() {
  for (const field of form.elements) {
    if (field.matches("[type=checkbox], [type=radio]")) {
      field.defaultChecked = field.checked;
    } else if (field.matches("select")) {
      for (const option of field.options) {
        option.defaultSelected = option.selected;
      }
    } else if (field.matches("input:not([type=file]), textarea")) {
      field.defaultValue = field.value;
    }
  }
}
