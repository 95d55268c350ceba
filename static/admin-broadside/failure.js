/* Says beside a button or link that the server can't be reached. */

const failure = document.querySelector("#send-failure").content.firstElementChild;

/** Return the result of `request`. If there is none, say so beside the `control` that was used. */
export async function attempt(control, request) {
  failure.remove();
  control.setAttribute("aria-busy", "true");
  const result = await request();
  control.removeAttribute("aria-busy");
  if (!result) {
    (control.closest(".entry-words") ?? control.parentElement).append(failure);
    failure.scrollIntoView({ block: "nearest" });
  }
  return result;
}
