/* The actions on the selected rows of a list. Without this script, “Run” without an action reloads the list, and the
 * selection is lost. */

const form = document.getElementById("changelist-form");
form?.addEventListener("submit", (event) => {
  if (event.submitter?.name === "index" && !form.elements.action.reportValidity()) {
    event.preventDefault();
  }
});
