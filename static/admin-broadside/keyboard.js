/* Keys on every keyboard. */

/** Return whether a key belongs to an input method, such as Enter for one of its suggestions. In Safari, the composition
 * has ended by then, and only the deprecated code of the key tells. */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** Return the letter of a key, in lower case: the one that it types or, where people type another script, the one at the
 * same place of a Latin keyboard. Return "" for other keys, such as the comma that is at the place of M in France. */
export function letterOf({ key, code }) {
  const letter = /^\p{ASCII}$/u.test(key) ? key.match(/[a-z]/i)?.[0] : code.match(/^Key([A-Z])$/)?.[1];
  return letter?.toLowerCase() ?? "";
}

/** Return the digit of a key, with or without Shift. In France, digits need Shift. */
export function digitOf({ code }) {
  return code.match(/^Digit(\d)$/)?.[1] ?? "";
}
