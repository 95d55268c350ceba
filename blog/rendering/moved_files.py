"""Files that used to be elsewhere and are in the media library now: texts that name their old URLs show ours.

The apps that know such URLs register a resolver. What authors wrote stays as it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import tee
from typing import Final

from lxml import etree

from blog.rendering import urls
from core.registry import Registry

# Takes old URLs, and returns the new URL of each that it knows. It may leave the iterable unused.
type FileResolver = Callable[[Iterable[str]], Mapping[str, str]]

# A URL whose path ends in a file extension. In running text it ends at a space or a bracket at the latest.
_FILE: Final = re.compile(r"(?:https?:/|/)?/[^?#]*\.[A-Za-z0-9]{2,5}(?:[?#].*)?", re.DOTALL)
_URL_IN_TEXT: Final = re.compile(r"https?://[^\s<>\"()]++", re.IGNORECASE)
_FILE_AT_START: Final = re.compile(r"https?://[^?#]+\.[A-Za-z0-9]{2,5}\b(?:[?#].*)?", re.IGNORECASE)
_WITH_SRC: Final = ("img", "audio", "video", "source", "embed", "x-iframe")
_URL_ATTRIBUTES: Final = {"a": "href", "x-object": "data", **dict.fromkeys(_WITH_SRC, "src")}


def find_problems(name: str, resolver: FileResolver) -> Iterator[str]:
    """Try the resolver without any URL, which needs no database."""
    try:
        found: object = resolver(())
    except Exception as error:  # noqa: BLE001  # any error of a resolver is a problem to report
        yield f"It fails without any URL: {error!r}."
    else:
        if not isinstance(found, Mapping):
            yield f"It returns {found!r} without any URL, which is not a mapping."


file_resolvers: Final[Registry[FileResolver]] = Registry("file resolver", find_problems)


def resolve_files(old_urls: Iterable[str]) -> Mapping[str, str]:
    """Return the new URL of each of `old_urls` whose file has moved here. The resolver registered first wins."""
    new_urls: dict[str, str] = {}
    # Copies of an iterator stay lazy: a resolver that knows no file at all does not look at a single URL.
    for resolve, copy in zip(file_resolvers.values(), tee(old_urls, len(file_resolvers)), strict=True):
        new_urls = {**resolve(copy), **new_urls}
    return new_urls


def resolve_no_files(old_urls: Iterable[str]) -> Mapping[str, str]:
    """Do the work of `resolve_files` while it is known that no file has moved here."""
    return {}


def find_new_urls(root: etree._Element, resolve: FileResolver = resolve_files) -> Mapping[str, str]:
    """Return the new URLs of the files that the tree names and that have moved, by their normalised old URLs."""
    return resolve(url for named in _named_urls(root) if (url := urls.normalise(named)) and _FILE.fullmatch(url))


def replace_urls(root: etree._Element, new_urls: Mapping[str, str], *tags: str) -> None:
    """Make the elements with these `tags` name the new URLs."""
    if not new_urls:
        return
    for element in root.iter(*tags):
        attribute = _URL_ATTRIBUTES[str(element.tag)]
        if new_url := new_urls.get(urls.normalise(element.get(attribute, "")) or ""):
            element.set(attribute, new_url)


def _named_urls(root: etree._Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        if (attribute := _URL_ATTRIBUTES.get(str(element.tag))) and (url := element.get(attribute)):
            yield url
        for text in (element.text, element.tail):
            if text and "://" in text:
                yield from (file[0] for url in _URL_IN_TEXT.findall(text) if (file := _FILE_AT_START.match(url)))
