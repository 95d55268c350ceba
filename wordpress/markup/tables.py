"""Tables of the plugin TablePress: the shortcode `[table id=5 /]` shows the table with this ID of the text's site.

Imports preserve these tables, which are items of a custom type, unchanged, under a key made from their IDs. A table is
a JSON array of rows, with HTML in its cells. Formulas are shown as they were typed. Source: the classes
TablePress_Table_Model and TablePress_Render of the plugin.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from html import escape, unescape
from operator import itemgetter
from typing import Any, Final

from blog.rendering.limits import MAX_SOURCE_LENGTH
from core.bulk import fetch_rows
from wordpress.markup.footnotes_and_blocks import Origin
from wordpress.markup.source_code import parse_attributes
from wordpress.markup.tokenizer import change_texts, find_in_texts
from wordpress.models import PreservedData, fingerprint
from wordpress.wxr.records import TABLE
from wordpress.wxr.values import parse_json, plain_line

# Every text that shows a table contains one of these.
MARKS: Final = ("[table", "[TABLE", "wp:tablepress/")
_OPTIONS, _VISIBILITY = "_tablepress_table_options", "_tablepress_table_visibility"
_SHORTCODE = re.compile(r"\[(?<!\[\[)(?:table|TABLE)(?=[\s=])(?P<attributes>[^\[\]]*+)\](?!\])")
# What distinguishes the shortcode from others with its name, which have a content, and from text in brackets.
_CERTAIN = re.compile(r"^=|\sid\s*=|/$")
_BLOCK = re.compile(r"<!--\s+wp:tablepress/table\s+(?P<attributes>\{[^<>]{1,1000}\})\s+/-->")
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_-]")
# The contents of cells that are merged with the cell to their left, above them, or both.
_LEFT, _ABOVE, _BOTH = "#colspan#", "#rowspan#", "#span#"
# The maximum number of parts that are read from a list of rows or columns.
_MAX_PARTS: Final = 100


def table_key(table_id: str) -> str:
    """Return the key under which the table with this ID is preserved."""
    return fingerprint(TABLE, table_id)


def parse_rows(content: str) -> list[list[str]]:
    """Return the cells of a table, as HTML; empty if `content` is not in TablePress's format."""
    stored: list[Any] = parse_json(content, [])
    rows = [row for row in stored if isinstance(row, list)]
    return [[str(cell) if isinstance(cell, str | int | float) else "" for cell in row] for row in rows]


def expand_tables(source: str, origin: Origin) -> str:
    """Replace the shortcodes of tables with the tables, unless the source would become too long.

    Those of tables that are not here are removed.
    """
    if not any(mark in source for mark in MARKS):
        return source
    source, tables, missing = _find(source, origin)
    room = MAX_SOURCE_LENGTH - len(source)

    def replace(shortcode: re.Match[str]) -> str:
        nonlocal room
        attributes = _attributes(shortcode)
        table_id = _id(attributes)
        if table_id in missing:
            return ""
        table = tables.get(table_id)
        if table is None or room < 0:
            return shortcode[0]
        room -= len(table.get("elements", {}).get("content:encoded", ""))
        html = _table(table, attributes) if room >= 0 else ""
        room -= len(html)
        return f"\n\n{html}\n\n" if room >= 0 else shortcode[0]

    return change_texts(source, lambda text: _SHORTCODE.sub(replace, text))


def missing_tables(source: str, origin: Origin) -> list[str]:
    """Return the IDs of the tables that `source` refers to and that are not here."""
    if not any(mark in source for mark in MARKS):
        return []
    _source, _tables, missing = _find(source, origin)
    return sorted(missing)


def _find(source: str, origin: Origin) -> tuple[str, dict[str, Mapping[str, Any]], set[str]]:
    """Return `source` with all tables as shortcodes, its tables that are here, and the IDs of the others."""
    source = _BLOCK.sub(_as_shortcode, source)
    shortcodes = list(find_in_texts(_SHORTCODE, source))
    tables = _find_tables({_id(_attributes(each)) for each in shortcodes} - {""}, origin.site)
    certain = [each for each in shortcodes if _CERTAIN.search(each["attributes"])]
    missing = set() if "[/table]" in source.lower() else {_id(_attributes(each)) for each in certain}
    return source, tables, missing - tables.keys() - {""}


def _find_tables(ids: Iterable[str], site: str | None) -> dict[str, Mapping[str, Any]]:
    """Return the preserved fields of `site`'s tables by ID; if `site` is None, of the first table with each ID."""
    of_site = {} if site is None else {"site": site}
    keys = {table_key(each): each for each in ids}
    kind = PreservedData.Kind.ITEM
    rows = fetch_rows(PreservedData, "key", keys, "pk", "key", "fields", kind=kind, **of_site)
    first = {key: fields for _pk, key, fields in sorted(rows, key=itemgetter(0), reverse=True)}
    return {keys[key]: fields for key, fields in first.items() if _is_public(fields.get("elements", {}))}


def _is_public(elements: Mapping[str, str]) -> bool:
    return elements.get("wp:status") == "publish" and not elements.get("wp:post_password")


def _as_shortcode(block: re.Match[str]) -> str:
    values: dict[str, Any] = parse_json(block["attributes"], {})
    attributes = f"id={values.get('id', '')} {values.get('parameters', '')}".replace("[", "").replace("]", "")
    return f"<!-- wp:shortcode -->[table {attributes}]<!-- /wp:shortcode -->"


def _attributes(shortcode: re.Match[str]) -> dict[str, str]:
    attributes = unescape(shortcode["attributes"]).strip("=/ ")
    values = parse_attributes(attributes)
    return values if "id" in values else {**values, "id": attributes.partition(" ")[0]}


def _id(attributes: Mapping[str, str]) -> str:
    return _NOT_IN_ID.sub("", attributes["id"])


def _table(table: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
    """Return a table, with its name and description if its options say so. `attributes` override the options."""
    elements, meta = table.get("elements", {}), dict(table.get("meta", []))
    options = {"table_head": True, **parse_json(meta.get(_OPTIONS, ""), {}), **attributes}
    visibility: dict[str, Any] = parse_json(meta.get(_VISIBILITY, ""), {})
    rows = _visible(parse_rows(elements.get("content:encoded", "")), visibility, attributes)
    if not any(rows):
        return ""
    # A table of one row has neither a head nor a foot.
    head = min(_number(options["table_head"]), len(rows) - 1)
    foot = min(_number(options.get("table_foot")), len(rows) - 1 - head)
    body = len(rows) - foot
    headings = _number(options.get("first_column_th"))
    sections = [("thead", rows[:head], 0), ("tbody", rows[head:body], headings), ("tfoot", rows[body:], 0)]
    parts = [f"<table>{''.join(_section(*section) for section in sections)}</table>"]
    texts = {
        "print_description": f"<p>{elements.get('excerpt:encoded', '')}</p>",
        "print_name": f"<h2>{escape(plain_line(elements.get('title', '')))}</h2>",
    }
    for name, text in texts.items():
        if _number(options.get(name)):
            parts.insert(len(parts) if options.get(f"{name}_position") == "below" else 0, text)
    return "\n\n".join(parts)


def _section(tag: str, rows: Sequence[Sequence[str]], headings: int) -> str:
    """Return a section of a table. In the body, the first `headings` cells of each row are headings."""
    spans = Counter[int]()
    html: list[str] = []
    for index in reversed(range(len(rows))):
        cells: list[str] = []
        joined = 0
        for column in reversed(range(len(rows[index]))):
            cell = rows[index][column].strip()
            if cell == _LEFT and column > 0:
                joined += 1
                spans[column] = 0
            elif cell == _ABOVE and index > 0:
                spans[column] += 1
                joined = 0
            elif cell != _BOTH or not (index and column):
                name = "td" if tag == "tbody" and column >= headings else "th"
                attributes = f' colspan="{joined + 1}"' if joined else ""
                attributes += f' rowspan="{spans[column] + 1}"' if spans[column] else ""
                cells.append(f"<{name}{attributes}>{_cell(cell)}</{name}>")
                spans[column] = joined = 0
        html.append(f"<tr>{''.join(reversed(cells))}</tr>")
    return f"<{tag}>{''.join(reversed(html))}</{tag}>" if html else ""


def _cell(text: str) -> str:
    if text in {_LEFT, _ABOVE, _BOTH}:
        return ""
    # A leading apostrophe means that the rest is not a formula.
    return text.removeprefix("'" if text.startswith("'=") else "").replace("\r\n", "\n").replace("\n", "<br>")


def _visible(
    rows: Sequence[Sequence[str]], visibility: Mapping[str, Any], attributes: Mapping[str, str]
) -> list[list[str]]:
    """Return the cells in the rows and columns that neither the table nor the shortcode hides."""
    hidden_rows = _hidden("rows", len(rows), visibility, attributes)
    hidden_columns = _hidden("columns", max(map(len, rows), default=0), visibility, attributes)
    return [
        [cell for column, cell in enumerate(row) if column not in hidden_columns]
        for index, row in enumerate(rows)
        if index not in hidden_rows
    ]


def _hidden(name: str, count: int, visibility: Mapping[str, Any], attributes: Mapping[str, str]) -> set[int]:
    flags = visibility.get(name)
    hidden = {index for index, flag in enumerate(flags if isinstance(flags, list) else ()) if not _number(flag)}
    hidden |= _listed(attributes.get(f"hide_{name}", ""), count)
    return hidden - _listed(attributes.get(f"show_{name}", ""), count)


def _listed(text: str, count: int) -> set[int]:
    """Return the indices in a list such as `1,4-6` or `B,D-F` that are below `count`."""
    if text == "all":
        return set(range(count))
    found: set[int] = set()
    for part in text.split(",")[:_MAX_PARTS]:
        first, _dash, last = part.strip().partition("-")
        found.update(range(max(_position(first) - 1, 0), min(_position(last or first), count)))
    return found


def _position(text: str) -> int:
    """Return the number of a row, or of a column named as in a spreadsheet; 0 if `text` is neither."""
    if not (text.isascii() and text.isalpha() and len(text) < 4):
        return _number(text)
    return reduce(lambda number, letter: number * 26 + ord(letter) - ord("A") + 1, text.upper(), 0)


def _number(value: object) -> int:
    """Return an option as a number. Switches used to be true or false, and some are now numbers of rows."""
    text = {"true": "1"}.get(str(value).lower(), str(value))
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
