"""Files that have moved to the media library: texts that contain their old URLs show the new ones.

Apps that know such URLs register a resolver. The sources stay as written.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import tee
from typing import Final

from lxml import etree

from blog.rendering import urls
from core.registry import Registry

# Takes old URLs, and returns the new URL of each that it knows. It may leave the iterable unread.
type FileResolver = Callable[[Iterable[str]], Mapping[str, str]]

# A URL whose path ends in a file extension. In running text it ends at a space or a bracket at the latest.
_FILE: Final = re.compile(r"(?:https?:/|/)?/[^?#]*\.[A-Za-z0-9]{2,5}(?:[?#].*)?", re.DOTALL)
_URL_IN_TEXT: Final = re.compile(r"https?://[^\s<>\"()]++", re.IGNORECASE)
_FILE_AT_START: Final = re.compile(r"https?://[^?#]+\.[A-Za-z0-9]{2,5}\b(?:[?#].*)?", re.IGNORECASE)
_URL_ATTRIBUTES: Final = {
    **dict.fromkeys(("img", "audio", "source", "track", "embed", "x-iframe"), ("src",)),
    "video": ("src", "poster"),
    "x-object": ("data",),
    "a": ("href",),
}


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
    # Copies of an iterator stay lazy: if no resolver knows any file, no URL is read.
    for resolve, copy in zip(file_resolvers.values(), tee(old_urls, len(file_resolvers)), strict=True):
        new_urls = {**resolve(copy), **new_urls}
    return new_urls


def resolve_no_files(old_urls: Iterable[str]) -> Mapping[str, str]:
    """Stand in for `resolve_files` while it is known that no file has moved here."""
    return {}


def find_new_urls(root: etree._Element, resolve: FileResolver) -> Mapping[str, str]:
    """Return the new URLs of the moved files in the tree, by their normalised old URLs."""
    found = ((url, is_picture) for old, is_picture in _urls_in(root) if (url := urls.normalise(old)))
    # An image is a file, whatever its URL looks like.
    return resolve(url for url, is_picture in found if is_picture or _FILE.fullmatch(url))


def replace_urls(root: etree._Element, new_urls: Mapping[str, str], *tags: str) -> None:
    """Set the new URLs in the elements with these `tags`."""
    if not new_urls:
        return
    for element in root.iter(*tags):
        for attribute in _URL_ATTRIBUTES[str(element.tag)]:
            if new_url := new_urls.get(urls.normalise(element.get(attribute, "")) or ""):
                element.set(attribute, new_url)


def _urls_in(root: etree._Element) -> Iterator[tuple[str, bool]]:
    """Yield the URLs in the tree, each with whether it is shown as a picture."""
    for element in root.iter(etree.Element):
        for attribute in _URL_ATTRIBUTES.get(str(element.tag), ()):
            if url := element.get(attribute):
                yield url, element.tag == "img" or attribute == "poster"
        for text in (element.text, element.tail):
            if text and "://" in text:
                files = map(_FILE_AT_START.match, _URL_IN_TEXT.findall(text))
                yield from ((file[0], False) for file in files if file)
