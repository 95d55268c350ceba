"""XML in documents: parsed without entities, and written again without comments, scripts and details of its author."""

import base64
import re
from collections.abc import Collection
from copy import deepcopy
from typing import Any, Final, cast
from urllib.parse import unquote

from lxml import etree

from media.cleaners.images import cleaned_image
from media.cleaners.streams import damaged

XML_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>'
# A path on the author's machine, which often contains a name.
LOCAL_PATH: Final = re.compile(
    r"\s*(?:file:|[A-Za-z]:[\\/]|\\\\|/(?:home|Users|Volumes|mnt|private|var|storage|sdcard)/|Macintosh HD:)",
    re.IGNORECASE,
)
# The same, or a path relative to the document, which most programs make of a link to a file. It leads through folders
# with names as well. In books, such paths lead to other parts.
LOCAL_LINK: Final = re.compile(rf"{LOCAL_PATH.pattern}|\s*\.\.[\\/]", re.IGNORECASE)
# What elements are called before they are removed.
_REMOVED: Final = "{broadside}removed"
_KEPT_META: Final = re.compile(r"viewport|dtb:(?:uid|depth|totalPageCount|maxPageNumber)")
_DROPPED_ELEMENTS: Final = {"script", "metadata", "docAuthor", "namedview", "RDF"}
# Namespaces of drawing programs.
_DRAWING: Final = ("{http://www.inkscape.org/", "{http://sodipodi.sourceforge.net/", "{http://ns.adobe.com/")
# An image in a data URL, also within a style.
_DATA_IMAGE: Final = re.compile(
    r"data:image/(?P<type>[\w.+-]{1,30})[^,\"'()]{0,100}?;base64,(?P<content>[\w+/=%\s-]*)", re.IGNORECASE
)
# A comment, or a string, which can't contain comments.
_STYLE_COMMENT: Final = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|/\*.*?(?:\*/|\Z)""", re.DOTALL
)


def parse(content: bytes, *, recover: bool = False) -> Any:
    """Return a tree without comments and processing instructions. Raises XMLSyntaxError unless it may `recover`."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, recover=recover
    )
    root = etree.fromstring(content, parser)
    if root is None:
        raise damaged()
    return etree.ElementTree(root)


def serialised(tree: Any) -> bytes:
    """Return the document as bytes, without the declarations of its DOCTYPE."""
    declared, written = tree.docinfo.internalDTD, tree
    if declared is not None:
        if any(True for _entity in declared.iterentities()):
            raise damaged()
        written = tree.getroot()
    doctype = {} if declared is None else {"doctype": tree.docinfo.doctype}
    return cast("bytes", etree.tostring(written, encoding="utf-8", xml_declaration=True, **doctype))


def clean_page(content: bytes) -> bytes:
    """Remove scripts, comments and metadata from a page, a drawing or a table of contents. Raises ValidationError."""
    tree = parse(content)
    dropped = []
    for element in tree.iter("*"):
        local_name = etree.QName(element).localname
        is_described = local_name == "meta" and not _is_needed_meta(element)
        is_linked = local_name == "link" and "stylesheet" not in element.get("rel", "stylesheet").lower()
        if local_name in _DROPPED_ELEMENTS or element.tag.startswith(_DRAWING) or is_described or is_linked:
            dropped.append(element)
            continue
        for name, value in element.items():
            if name.startswith(("on", *_DRAWING)) or value.strip().lower().startswith("javascript:"):
                del element.attrib[name]
            elif LOCAL_PATH.match(value):
                element.set(name, "")
            else:
                element.set(name, _DATA_IMAGE.sub(_cleaned_url, value))
        if local_name == "style" and element.text:
            element.text = clean_style(element.text)
    return serialised(without(tree, dropped))


def _is_needed_meta(element: Any) -> bool:
    """Whether an element affects how a page is shown, such as its encoding, rather than naming an author or a date."""
    name = element.get("name")
    if name is None:
        return element.get("charset") is not None or element.get("http-equiv", "").lower() == "content-type"
    return _KEPT_META.fullmatch(name) is not None


def clean_style(text: str) -> str:
    """Return CSS without comments, and with its images cleaned. Raises ValidationError."""
    return _DATA_IMAGE.sub(_cleaned_url, _STYLE_COMMENT.sub(r"\g<string>", text))


def _cleaned_url(image: re.Match[str]) -> str:
    kind = image["type"].lower()
    # Programs accept data without padding.
    content = base64.b64decode(unquote(image["content"]) + "==")
    cleaned = clean_page(content) if kind == "svg+xml" else cleaned_image(content, f".{kind}")
    return f"data:image/{kind};base64,{base64.b64encode(cleaned).decode()}"


def without(tree: Any, elements: Collection[Any]) -> Any:
    """Return a tree without these elements, but with the text after them. The old one must not be used any more.

    Raises ValidationError if one of them is the root.
    """
    if not elements:
        return tree
    for element in elements:
        if element.getparent() is None:
            raise damaged()
        element.tag = _REMOVED
    # In a copy, because lxml takes quadratic time to remove what variables refer to. Removing elements one by one, with
    # the text after each joined to that before it, would take quadratic time, too.
    copied = deepcopy(tree)
    etree.strip_elements(copied, _REMOVED, with_tail=False)
    return copied
