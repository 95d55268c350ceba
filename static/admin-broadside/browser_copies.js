/* Copies of typed text in this browser, kept until the text has been saved or its owner logs out. */

import { whenSent } from "./sending.js";

const PREFIX = "broadside:";

/* Return the beginning of the names of a user's copies. */
export function namesOf(user) {
  return `${PREFIX}${user}:`;
}

/* Yield the names of all copies with their contents. */
export function* copies() {
  let names;
  try {
    names = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
  } catch {
    return; // Storage is turned off.
  }
  for (const name of names) {
    try {
      yield [name, JSON.parse(localStorage.getItem(name))];
    } catch {
      localStorage.removeItem(name);
    }
  }
}

/* Store a copy, and return whether that worked: storage may be full or turned off. */
export function store(name, copy) {
  try {
    localStorage.setItem(name, JSON.stringify({ time: Date.now(), ...copy }));
    return true;
  } catch {
    return false;
  }
}

/* Return the copy with this name, if there is one. */
export function read(name) {
  return new Map(copies()).get(name);
}

export function remove(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // Then there is none.
  }
}

/* Remove a user's copies when they log out. A site without HTTPS can't ask the browser to clear its storage. */
export function removeOnLogOut(user, then = () => {}) {
  whenSent(document.querySelector("#logout-form"), () => {
    for (const [name] of copies()) {
      if (name.startsWith(namesOf(user))) {
        localStorage.removeItem(name);
      }
    }
    then();
  });
}
