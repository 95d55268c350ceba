/* The tables of pasted documents. In Markdown, all rows have the same number of cells, with nothing but text in them. */

// Rows are not filled beyond this, and cells don't extend into more rows. Otherwise, a table of cells that all extend
// into each other could keep the browser busy for minutes.
const MOST_PLACES = 100;

/** Replace tables that only arrange or frame what is in them, as in e-mails, by their contents. In others, move the
 * caption before the table, and fill the places into which cells extend. */
export function simplifyTables(body) {
  for (const table of body.querySelectorAll("table")) {
    table.querySelectorAll("col, colgroup").forEach((column) => column.remove());
    if (table.querySelector("table") || [...table.rows].every((row) => row.cells.length < 2)) {
      unwrap(table);
    } else {
      fillPlaces([...table.rows]);
      table.before(...[table.caption].filter(Boolean).map((caption) => renamed(caption, "p")));
    }
  }
}

function unwrap(table) {
  const cells = [...table.rows].flatMap((row) => [...row.cells]);
  table.replaceWith(...[table.caption, ...cells].filter(Boolean).map((part) => renamed(part, "div")));
}

function fillPlaces(rows) {
  rows.forEach((row, index) => {
    for (const cell of [...row.cells]) {
      const { cellIndex, colSpan, rowSpan } = cell;
      for (const below of rows.slice(index, index + Math.min(rowSpan || 1, MOST_PLACES))) {
        const at = below === row ? cellIndex + 1 : cellIndex;
        for (let added = below === row ? 1 : 0; added < colSpan && below.cells.length < MOST_PLACES; added += 1) {
          below.insertBefore(row.ownerDocument.createElement("td"), below.cells[at] ?? null);
        }
      }
    }
  });
}

/** Return the contents of `element` in an element with another name. */
function renamed(element, name) {
  const other = element.ownerDocument.createElement(name);
  other.append(...element.childNodes);
  return other;
}
