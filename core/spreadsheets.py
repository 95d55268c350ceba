"""Files for spreadsheets: CSV (RFC 4180) in which no cell is a formula."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Final

# Spreadsheets treat cells that start with one of these as formulas, in some languages also the full-width forms.
_FORMULA: Final = r"(?:[^\S\t\r\n]|\")*[-=+@＝＋－＠]"
# In many languages, they split lines at semicolons, and some also at tabs. Then they split them at line breaks in cells
# that don't start with a quotation mark as well. So one of our cells becomes several.
_START: Final = re.compile(rf"^(?=[\t\r\n])|(^|[;\t\r\n])(?={_FORMULA})")
_MARKED: Final = re.compile(rf"^'(?=[\t\r\n])|(^|[;\t\r\n])'(?={_FORMULA})")


class _Line:
    """A file that returns each line that is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield each row as a line of CSV, its values as text; None is an empty cell."""
    writer = csv.writer(_Line())
    for row in rows:
        yield writer.writerow(_cell("" if value is None else str(value)) for value in row)


def cell_text(cell: str) -> str:
    """Return the text that `csv_lines` wrote as this cell."""
    text = _MARKED.sub(r"\1", cell)
    return text if _cell(text) == cell else cell


def _cell(text: str) -> str:
    return _START.sub(r"\1'", text)
