"""Conversion of a text to Markdown, only if readers will see the same as before.

The rendered text is written as Markdown, block by block. Each block is rendered and compared with the original; what
Markdown can't express stays HTML, which Markdown may contain.
"""

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final

from lxml import etree

from blog.rendering import MORE_PLACEHOLDER, RenderInput, check_source, render, render_all
from blog.rendering.sanitising import BLOCKS
from blog.rendering.tree import MORE_TAG, PAGE_BREAK_TAG, parse
from blog.revisions.comparing import matches

_MAX_DIFFERENCES: Final = 200
_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_MARKS: Final = re.compile(r"[\\`*_\[\]<>&~|#!]")
# What would start a list or another block at the beginning of a line.
_BLOCK_START: Final = re.compile(r"^(?=[-+=:])|^([0-9]+)(?=[.)])", re.MULTILINE)
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_LISTS: Final = ("ul", "ol")
_MARKERS: Final = {MORE_TAG: "<!--more-->", PAGE_BREAK_TAG: "<!--nextpage-->"}
_EDGE: Final = re.compile(rf"</?(?:{'|'.join(sorted({*BLOCKS, *_MARKERS, 'body', 'br'}))})(?=[\s>])")
# Elements that mean and look the same.
_SAME: Final = {"b": "strong", "i": "em", "del": "s"}
_EMPHASIS: Final = {"strong": "**", "b": "**", "em": "*", "i": "*", "s": "~~", "del": "~~"}
# The attributes that Markdown can express.
_ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    "ol": frozenset({"start"}),
    "figure": frozenset({"class", "data-player"}),
    **dict.fromkeys(_HEADINGS, frozenset({"id"})),
}
# Rendering adds these to every image.
_FORCED_ATTRIBUTES: Final = frozenset({"decoding", "loading"})
_FORCED_IN_HTML: Final = re.compile(r' (?:decoding="async"|loading="lazy")(?=[^<>]*>)')


@dataclass(frozen=True, slots=True)
class Conversion:
    """The Markdown `source`, and the `differences` that readers would see, as lines of a diff.

    `has_remote_media` is whether the text shows files from other sites, which an import may still copy.
    """

    source: str
    differences: list[str]
    has_remote_media: bool = False

    @property
    def is_lossless(self) -> bool:
        return not self.differences and not self.has_remote_media


class _NoMarkdownError(Exception):
    """Markdown can't express this element."""


def convert_to_markdown(source: str, markup: str, entry: object = None, language: str = "") -> Conversion:
    """Return `source`, which belongs to `entry`, in Markdown. Raises what blog.rendering.render does."""
    before = render(source, markup, entry, language)
    root = _read(before.body_html)
    converted = "\n\n".join(_convert_blocks(root))
    check_source(converted, "markdown")
    after = render(converted, "markdown", entry, language)
    ids = _ids(root)
    old, new = _canonical_lines(root, ids), _canonical_lines(_read(after.body_html), ids)
    differences = list(islice(_diff(old, new), _MAX_DIFFERENCES))
    if not differences and (before.has_more, before.auto_excerpt) != (after.has_more, after.auto_excerpt):
        differences = [f"-{before.auto_excerpt}", f"+{after.auto_excerpt}"]
    has_remote_media = any("remote-media" in element.get("class", "") for element in root.iter())
    return Conversion(converted, differences, has_remote_media)


def _diff(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield each run of lines that were removed and added, with the line before and after it, in the form of a diff.

    Unlike difflib, this doesn't take quadratic time.
    """
    for (i, j), (next_i, next_j) in pairwise([(-1, -1), *matches(old, new), (len(old), len(new))]):
        removed, added = old[i + 1 : next_i], new[j + 1 : next_j]
        if removed or added:
            yield f"@@ -{i + 2} +{j + 2} @@"
            yield from (f" {line}" for line in old[max(i, 0) : i + 1])
            yield from (f"-{line}" for line in removed)
            yield from (f"+{line}" for line in added)
            yield from (f" {line}" for line in old[next_i : next_i + 1])


def _read(body_html: str) -> etree._Element:
    """Return the tree of a body, with its loose text in paragraphs, as in Markdown."""
    wrapped = etree.Element("body")
    wrapped.extend(_take_blocks(parse(body_html.replace(MORE_PLACEHOLDER, "<!--more-->"))))
    return wrapped


def _take_blocks(element: etree._Element) -> Iterator[etree._Element]:
    """Remove the blocks from an element, and yield them, with the text between them in paragraphs."""
    run = etree.Element("p")
    run.text = element.text
    for child in list(element):
        if child.tag not in BLOCKS and child.tag not in _MARKERS:
            run.append(child)
            continue
        if len(run) or (run.text or "").strip():
            yield run
        run = etree.Element("p")
        run.text, child.tail = child.tail, None
        yield child
    if len(run) or (run.text or "").strip():
        yield run


def _convert_blocks(root: etree._Element) -> Iterator[str]:
    """Yield, for each block, the simplest Markdown that renders as the same block, or else its HTML."""
    blocks = list(root)
    candidates = [list(_candidates(block)) for block in blocks]
    flat = [RenderInput(text, "markdown") for texts in candidates for text in texts]
    rendered = render_all(flat)
    previous = ""
    for block, texts in zip(blocks, candidates, strict=True):
        ids = _ids(block)
        wanted = _canonical_lines(_alone(block), ids)
        # Take the results of all candidates, so that the next block gets its own.
        bodies = [next(rendered).body_html for _text in texts]
        results = [_canonical_lines(_read(html), ids) for html in bodies]
        fitting = [text for text, lines in zip(texts, results, strict=True) if lines == wanted]
        tag = str(block.tag)
        if tag in _LISTS and tag == previous:
            # Otherwise the second list would continue the first.
            yield "<!-- -->"
        yield fitting[0] if fitting else texts[-1]
        previous = tag


def _ids(element: etree._Element) -> set[str]:
    return {each.get("id", "") for each in element.iter()}


def _alone(block: etree._Element) -> etree._Element:
    root = etree.Element("body")
    root.append(copy.deepcopy(block))
    return root


def _candidates(block: etree._Element) -> Iterator[str]:
    for writer in (_Writer(has_emphasis=True), _Writer(has_emphasis=False)):
        try:
            yield writer.block(copy.deepcopy(block))
        except _NoMarkdownError:
            continue
    yield _raw(block)


def _raw(element: etree._Element) -> str:
    """Return the HTML of an element without blank lines, which would end it in Markdown."""
    html = _FORCED_IN_HTML.sub("", etree.tostring(element, method="html", encoding="unicode", with_tail=False))
    for tag, comment in _MARKERS.items():
        html = html.replace(f"<{tag}></{tag}>", comment)
    if next(element.iter("pre"), None) is not None:
        return html.replace("\n", "&#10;")
    return re.sub(r"\n\s*\n", "\n", html)


def _collapse(text: str | None) -> str:
    return _SPACE.sub(" ", text or "")


def _escape(text: str) -> str:
    return _MARKS.sub(r"\\\g<0>", text)


class _Writer:
    """Writes elements as Markdown. Where the marks for emphasis would be misread, it uses HTML instead."""

    def __init__(self, *, has_emphasis: bool) -> None:
        self._has_emphasis = has_emphasis

    def block(self, element: etree._Element) -> str:
        """Return the Markdown of a block, from which nested blocks may be removed. Raises _NoMarkdownError."""
        tag = str(element.tag)
        if tag in _MARKERS:
            return _MARKERS[tag]
        writers: dict[str, Callable[[etree._Element], str]] = {
            "p": self._paragraph,
            "hr": lambda rule: "---",
            "blockquote": self._quotation,
            "pre": self._code_block,
            "figure": self._embed,
            "table": self._table,
            **dict.fromkeys(_LISTS, self._list),
            **dict.fromkeys(_HEADINGS, self._heading),
        }
        if tag not in writers or not set(element.attrib) <= _ATTRIBUTES.get(tag, frozenset()):
            raise _NoMarkdownError
        return writers[tag](element)

    def _paragraph(self, element: etree._Element) -> str:
        text = self._inlines(element).strip(" \n")
        return _BLOCK_START.sub(lambda found: f"{found[1]}\\" if found[1] else "\\", text)

    def _heading(self, element: etree._Element) -> str:
        return f"{'#' * int(str(element.tag)[1])} {self._inlines(element).replace('\\\n', '<br>').strip()}"

    def _quotation(self, element: etree._Element) -> str:
        inner = "\n\n".join(map(self.block, _take_blocks(element)))
        return "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))

    def _list(self, element: etree._Element) -> str:
        is_loose = element.find("li/p") is not None
        start = element.get("start", "1")
        if not start.isdecimal() or any(child.tag != "li" or child.attrib for child in element):
            raise _NoMarkdownError
        items = []
        for index, item in enumerate(element):
            mark = f"{int(start) + index}. " if element.tag == "ol" else "- "
            text = ("\n\n" if is_loose else "\n").join(map(self.block, _take_blocks(item)))
            items.append(mark + re.sub(r"\n(?=.)", f"\n{' ' * len(mark)}", text))
        return ("\n\n" if is_loose else "\n").join(items)

    def _code_block(self, element: etree._Element) -> str:
        code = element[0] if len(element) == 1 and not (element.text or "").strip() else element
        if len(code) or set(code.attrib) - {"class"} or (code.tail or "").strip():
            raise _NoMarkdownError
        language = (code.get("class") or "").removeprefix("language-")
        text = (code.text or "").removesuffix("\n")
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
        return f"{fence}{language}\n{text}\n{fence}"

    def _embed(self, element: etree._Element) -> str:
        """Return the URL of a card for another site, which Markdown turns into the card again."""
        link = element[0] if len(element) == 1 and element[0].tag == "a" else None
        if link is None:
            raise _NoMarkdownError
        return str(link.get("href"))

    def _table(self, element: etree._Element) -> str:
        rows = list(element.iter("tr"))
        cells = [list(row) for row in rows]
        head = element.find("thead")
        is_regular = head is not None and len(head) == 1 and len({len(row) for row in cells}) == 1
        if not is_regular or element.find("caption") is not None:
            raise _NoMarkdownError
        if any(cell.attrib or self._has_block(cell) for row in cells for cell in row):
            raise _NoMarkdownError
        lines = [
            f"| {' | '.join(self._inlines(cell).replace('\\\n', '<br>').strip() for cell in row)} |" for row in cells
        ]
        return "\n".join([lines[0], f"|{' --- |' * len(cells[0])}", *lines[1:]])

    @staticmethod
    def _has_block(element: etree._Element) -> bool:
        return any(child.tag in BLOCKS for child in element.iterdescendants())

    def _inlines(self, element: etree._Element) -> str:
        parts = [_escape(_collapse(element.text))]
        for child in element:
            parts += [self._inline(child), _escape(_collapse(child.tail))]
        return "".join(parts).replace("\\\n ", "\\\n")

    def _inline(self, element: etree._Element) -> str:
        tag = str(element.tag)
        if tag in _MARKERS:
            return _MARKERS[tag]
        if tag in BLOCKS:
            raise _NoMarkdownError
        if tag == "br" and not element.attrib:
            return "\\\n"
        if tag == "code" and not element.attrib and not len(element) and (text := _collapse(element.text)).strip("` "):
            marks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
            return f"{marks}{text}{marks}"
        if tag in _EMPHASIS and not element.attrib and self._has_emphasis:
            return self._emphasised(self._inlines(element), _EMPHASIS[tag])
        if tag == "a" and set(element.attrib) <= {"href", "rel", "title"} and "href" in element.attrib:
            return self._link(element)
        if tag == "img" and set(element.attrib) <= {"src", "alt", "title", *_FORCED_ATTRIBUTES}:
            return f"![{_escape(_collapse(element.get('alt')))}]({self._target(element, 'src')})"
        return self._tags(element)

    @staticmethod
    def _emphasised(text: str, mark: str) -> str:
        inner = text.strip(" ")
        start = text[: len(text) - len(text.lstrip(" "))]
        return f"{start}{mark}{inner}{mark}{text[len(start) + len(inner) :]}" if inner else text

    def _link(self, element: etree._Element) -> str:
        url = element.get("href", "")
        if not len(element) and element.text == url and url.startswith(("http://", "https://")):
            return url
        return f"[{self._inlines(element)}]({self._target(element, 'href')})"

    @staticmethod
    def _target(element: etree._Element, name: str) -> str:
        url = element.get(name, "")
        if re.search(r"[\s()<>\\&*_]", url):
            url = f"<{re.sub(r'[<>\\&]', lambda found: f'&#{ord(found[0])};', url)}>"
        title = element.get("title")
        return f'{url} "{_escape(title).replace('"', "&quot;")}"' if title else url

    def _tags(self, element: etree._Element) -> str:
        """Return an element as HTML, with Markdown in it."""
        empty = etree.Element(str(element.tag), {str(name): str(value) for name, value in element.items()})
        html = _FORCED_IN_HTML.sub("", etree.tostring(empty, method="html", encoding="unicode"))
        start, separator, end = html.partition("</")
        return f"{start}{self._inlines(element)}{separator}{end}"


def _canonical_lines(root: etree._Element, ids: set[str]) -> list[str]:
    """Return what readers can notice in a tree, one line for each tag and piece of text.

    The ids that Markdown adds to headings are left out, unless they are among `ids`.
    """
    lines: list[str] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = _SAME.get(str(element.tag), str(element.tag))
        if event == "start":
            attributes = {
                str(name): str(value)
                for name, value in sorted(element.items())
                if not (name == "id" and tag in _HEADINGS and value not in ids)
            }
            lines.append(f"<{tag}{''.join(f' {name}="{value}"' for name, value in attributes.items())}>")
            lines.append(_visible(element.text, element))
        else:
            lines.append(f"</{tag}>")
            parent = element.getparent()
            lines.append(_visible(element.tail, parent) if parent is not None else "")
    return _without_edge_spaces(lines)


def _visible(text: str | None, parent: etree._Element) -> str:
    is_code = parent.tag == "pre" or next(parent.iterancestors("pre"), None) is not None
    return (text or "").rstrip("\n") if is_code else _collapse(text)


def _without_edge_spaces(lines: list[str]) -> list[str]:
    """Remove the spaces next to block boundaries and line breaks, which no browser shows."""
    kept: list[str] = []
    lines = [line for line in lines if line]
    for index, line in enumerate(lines):
        text = line
        if not line.startswith("<"):
            if index and _EDGE.match(lines[index - 1]):
                text = text.lstrip(" ")
            if index + 1 < len(lines) and _EDGE.match(lines[index + 1]):
                text = text.rstrip(" ")
        if text:
            kept.append(text)
    return kept
