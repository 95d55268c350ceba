/* Says beside a button or link of a list that the server can't be reached. */

const failure = document.querySelector(".row-failure");

/** Return the result of `request`. If that is null, say so beside the `control` that was used. */
export async function attempt(control, request) {
  failure.hidden = true;
  control.setAttribute("aria-busy", "true");
  const result = await request();
  control.removeAttribute("aria-busy");
  if (!result) {
    (control.closest(".entry-words") ?? control.parentElement).append(failure);
    failure.hidden = false;
  }
  return result;
}
