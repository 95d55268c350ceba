/* Reloads a page that shows progress, unless the user is about to press one of its buttons. */

const INTERVAL = 3000;

function reload() {
  if (document.activeElement?.tagName === "BUTTON") {
    setTimeout(reload, INTERVAL);
  } else {
    location.reload();
  }
}
setTimeout(reload, INTERVAL);
