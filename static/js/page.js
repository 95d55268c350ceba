// Loads the scripts that a page needs, when it needs them. Most pages need only this one, and all work without scripts.
const find = (selector) => document.querySelectorAll(selector);

if (find("figure.player[data-player]").length) import("./players.js");
if (find("main table").length) import("./wide-tables.js");
// Without optional chaining, so that browsers from 2018 to 2020 load the players, too.
if (!(navigator.connection && navigator.connection.saveData))
  for (const form of find("[data-suggestions]")) form.addEventListener("focusin", () => import("./search.js"), { once: true });
