"""Files that stood elsewhere and are in the library now: a text that names their old addresses shows ours.

Whoever knows such addresses is named in settings.BROADSIDE_MOVED_FILES. What authors wrote stays as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string
from lxml import etree

from blog.rendering import addresses

# An address whose path ends like that of a file. In running text it ends at a blank or a bracket at the latest.
FILE: Final = re.compile(r"(?:https?:/|/)?/[^?#]*\.[A-Za-z0-9]{2,5}(?:[?#].*)?", re.DOTALL)
IN_TEXT: Final = re.compile(r"https?://[^\s<>\"()]++", re.IGNORECASE)
FILE_AT_START: Final = re.compile(r"https?://[^?#]+\.[A-Za-z0-9]{2,5}\b(?:[?#].*)?", re.IGNORECASE)
_WITH_SOURCE: Final = ("img", "audio", "video", "source", "embed", "x-iframe")
ATTRIBUTES: Final = {"a": "href", "x-object": "data", **dict.fromkeys(_WITH_SOURCE, "src")}


def find(root: etree._Element) -> Mapping[str, str]:
    """Where the files are now that the tree names, by the plain form of each address that has moved."""
    # Not looked for before somebody asks: while much is brought in, it is known that no file is here.
    named = (plain for address in _named(root) if (plain := addresses.tidy(address)) and FILE.fullmatch(plain))
    return files_here(named)


def files_here(addresses: Iterable[str]) -> Mapping[str, str]:
    """Where the files of those of `addresses` are that have moved here."""
    if not settings.BROADSIDE_MOVED_FILES:
        return {}
    found: Mapping[str, str] = import_string(settings.BROADSIDE_MOVED_FILES)(addresses)
    return found


def replace(root: etree._Element, moved: Mapping[str, str], *tags: str) -> None:
    """Let the elements of these `tags` name the addresses of now."""
    if not moved:
        return
    for element in root.iter(*tags):
        name = ATTRIBUTES[str(element.tag)]
        if address := moved.get(addresses.tidy(element.get(name, "")) or ""):
            element.set(name, address)


def _named(root: etree._Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        if (name := ATTRIBUTES.get(str(element.tag))) and (address := element.get(name)):
            yield address
        for text in (element.text, element.tail):
            if text and "://" in text:
                yield from (file[0] for address in IN_TEXT.findall(text) if (file := FILE_AT_START.match(address)))
