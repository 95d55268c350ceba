/* Places in a text for files that are still being uploaded. They stay where they are while something is written before
 * or after them. */

export class Places {
  #field;
  #before = "";
  #held = new Set();
  #isInserting = false;

  constructor(field) {
    this.#field = field;
    field.addEventListener("input", () => this.#isInserting || this.#follow());
  }

  /** Return a place that is `at` this position now. */
  hold(at) {
    const place = { at, isLeft: false, focused: document.activeElement };
    this.#before = this.#field.value;
    this.#held.add(place);
    return place;
  }

  release(place) {
    this.#held.delete(place);
  }

  /** Call `insert` with where this place is now, and whether its author has gone on writing elsewhere. */
  use(place, insert) {
    const { at } = place;
    const { length } = this.#field.value;
    const { activeElement } = document;
    const isElsewhere = ![this.#field, place.focused].includes(activeElement) && activeElement.matches("input, textarea");
    this.release(place);
    this.#isInserting = true;
    try {
      return insert(at, place.isLeft || isElsewhere || this.#field.selectionEnd !== at);
    } finally {
      this.#isInserting = false;
      this.#before = this.#field.value;
      // Files that were added at the same place later come after these.
      for (const other of this.#held) {
        other.at += other.at < at ? 0 : this.#before.length - length;
      }
    }
  }

  /** Move the places by what was typed: everything between the beginning and the end that are still the same. */
  #follow() {
    const [before, after] = [this.#before, this.#field.value];
    const shorter = Math.min(before.length, after.length);
    let start = 0;
    let end = 0;
    this.#before = after;
    if (!this.#held.size) {
      return;
    }
    while (start < shorter && before[start] === after[start]) {
      start += 1;
    }
    while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) {
      end += 1;
    }
    for (const place of this.#held) {
      place.isLeft = true;
      if (place.at > start) {
        place.at = Math.max(start, place.at + after.length - before.length);
      }
    }
  }
}
