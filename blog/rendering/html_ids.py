"""The ids of elements in a text, which must differ from those of the page around it and of other texts on that page."""

from typing import Any, Final
from urllib.parse import unquote

from lxml import etree

# The ids that the site's own pages, forms and scripts use, and `top`: a link to it leads to the top of a page that has
# no such id.
_RESERVED: Final = frozenset(
    {"about-author", "children", "comments", "content", "follow", "follow-email", "follow-subject", "footer", "header"}
    | {"main", "menu", "more", "nav", "navigation", "news-email", "news-subject", "related", "reply", "respond"}
    | {"responses", "search", "search-menu", "sidebar", "site", "skip", "top"}
)
_RESERVED_PREFIXES: Final = (
    *("comment-", "error-pwbox-", "id_", "menu-", "more-", "page-", "post-", "pwbox-", "reply-", "respond-", "site-"),
    "suggestions-",
)

_elements_with_id: Any = etree.XPath(".//*[@id]")


def _update_references(root: etree._Element, new_ids: dict[str, str]) -> None:
    for link in root.iter("a"):
        url = link.get("href", "")
        target = unquote(url[1:])
        if url.startswith("#") and target in new_ids:
            prefix = new_ids[target].removesuffix(target)
            link.set("href", f"#{prefix}{url[1:]}")
    for cell in root.iter("td", "th"):
        if headers := cell.get("headers"):
            cell.set("headers", " ".join(new_ids.get(header, header) for header in headers.split()))


def make_unique(root: etree._Element) -> None:
    """Remove duplicate ids, and prefix those that the page around the text uses."""
    new_ids: dict[str, str] = {}
    taken: set[str] = set()
    for element in _elements_with_id(root):
        old = element.get("id", "").strip()
        is_reserved = old in _RESERVED or old.startswith(_RESERVED_PREFIXES)
        new = f"u-{old}" if is_reserved else old
        # HTML allows no space in an id.
        if len(old.split()) == 1 and new not in taken:
            new_ids[old] = new
            element.set("id", new)
            taken.add(new)
        else:
            del element.attrib["id"]
    _update_references(root, new_ids)


def add_prefix(root: etree._Element, prefix: str) -> bool:
    """Add `prefix` to every id, so that many texts can share a page. Return whether the tree has changed.

    A link to something that is no longer in this text, such as a footnote after the cut, becomes plain text:
    its target is not on that page.
    """
    new_ids: dict[str, str] = {}
    has_changed = False
    for element in _elements_with_id(root):
        old = element.get("id", "")
        new_ids[old] = prefix + old
        element.set("id", new_ids[old])
    for link in root.iter("a"):
        url = link.get("href", "")
        if url.startswith("#") and unquote(url[1:]) not in new_ids:
            del link.attrib["href"]
            link.attrib.pop("rel", "")
            has_changed = True
    _update_references(root, new_ids)
    return has_changed or bool(new_ids)
