"""The elements within an element of an export, as texts, and the authors and terms that they describe."""

import datetime as dt
import re
from collections.abc import Container
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from lxml import etree

from wordpress.wxr import dates, extensions, values
from wordpress.wxr.elements import text_to_html
from wordpress.wxr.markup_repair import KNOWN_PREFIXES, UNDECLARED
from wordpress.wxr.records import CATEGORY, TAG, Author, Comment, Elements, Meta, Term, TermRef

# WordPress's element for an author, and the one of WordPress.com and of WP-CLI until 2015.
AUTHOR_ELEMENTS: Final = {"wp:author", "wp:wp_author"}
# For each kind of term: its taxonomy (empty if it is in an element), and the elements with its slug, name, parent and
# description.
TERM_ELEMENTS: Final = {
    "wp:category": (CATEGORY, ("category_nicename", "cat_name", "category_parent", "category_description")),
    "wp:tag": (TAG, ("tag_slug", "tag_name", "tag_parent", "tag_description")),
    "wp:term": ("", ("term_slug", "term_name", "term_parent", "term_description")),
}
# Elements that contain others, and elements that are never read: commenters' IP addresses and browsers.
_COMPOUND_ELEMENTS: Final = {"category", "wp:postmeta", "wp:commentmeta", "wp:termmeta", "wp:comment"}
_NEVER_READ: Final = {"wp:comment_author_IP", "wp:comment_agent"}
# No real object has more elements with distinct names.
_MAX_ELEMENTS: Final = 100
# How many characters of a date that can't be read are shown.
_MAX_DATE: Final = 50
_PROSE: Final = {
    *("title", "content:encoded", "excerpt:encoded", "description", "wp:comment_content", "wp:term_description"),
}
# In characters. Removing namespaces takes quadratic time in the number of an element's attributes.
_MAX_CANONICAL: Final = 64 * 1024
_PLACEHOLDER_DECLARATION = re.compile(rf' xmlns:[\w.-]+="{UNDECLARED}"')
# Namespace URIs differ by version, scheme and plugin; these parts are common to all.
_PREFIX_BY_URI_PART: Final = {"/excerpt": "excerpt", "wordpress.org/export": "wp", "/content/": "content", "/dc/": "dc"}


class Children(dict[str, list[Any]]):
    """The children of an element by their usual names."""

    def elements(self, name: str) -> list[Any]:
        return self.get(name, [])

    def text(self, name: str) -> str:
        """Return the text of the first child called `name`, or an empty string if there is none."""
        children = self.get(name)
        return text_of(children[0]) if children else ""

    def item_ids(self, *urls: str) -> tuple[int, int]:
        """Return the ID of an item with these URLs, which may contain it, and the number that imports record for it.

        Without any ID, files are known by their own URLs.
        """
        exported = self.text("wp:post_id").strip()
        item_id = values.parse_id(exported) or next(filter(None, map(values.id_in_url, urls)), 0)
        known_by = exported if exported or item_id else self.text("wp:attachment_url")
        return item_id, values.recorded_id(known_by) or item_id

    def content(self) -> str:
        """Return the text of an item: its content, or else its description, where feeds and some programs have it."""
        content = self.text("content:encoded")
        return content if content.strip() else self.text("description") or content

    def texts(self, *, except_for: Container[str] = ()) -> Elements:
        """Return the texts of all children that contain no other elements, by name.

        Whitespace around values other than prose is removed, because some programs put each on a line of its own.
        """
        return tuple(
            (name, self.text(name) if name in _PROSE else self.text(name).strip())
            for name in islice(self, _MAX_ELEMENTS)
            if name and name not in except_for and name not in _COMPOUND_ELEMENTS and name not in _NEVER_READ
        )

    def date(self, name: str) -> dt.datetime | None:
        return dates.parse_date(self.text(name))

    def time(self, name: str) -> dt.datetime | None:
        """Return the UTC datetime of the local time called `name`, or else of the same in UTC; None without either."""
        local, utc = self.date(name), self.date(f"{name}_gmt")
        exact = dates.exact_time(self.text(name if local else f"{name}_gmt"))
        return exact or dates.aware_datetime(local, utc)

    def unclear_date(self, *names: str) -> str:
        """Return the start of the first of these dates that can't be read with certainty; empty if there is none."""
        return next((text.strip()[:_MAX_DATE] for text in map(self.text, names) if dates.is_unclear(text)), "")


def usual_name(tag: str, prefix: str | None) -> str:
    """Return the name of an element with the usual prefix, such as `wp:post_id`; empty for foreign namespaces.

    A usual prefix counts whatever its namespace, because some programs declare another one for it.
    """
    if not tag.startswith("{"):
        return tag
    uri, _brace, local = tag[1:].rpartition("}")
    if prefix in KNOWN_PREFIXES:
        return f"{prefix}:{local}"
    return next((f"{usual}:{local}" for part, usual in _PREFIX_BY_URI_PART.items() if part in uri), "")


def text_of(element: Any) -> str:
    """Return the content of an element: its text, with child elements, which should have been escaped, as markup."""
    if not len(element):
        return element.text or ""
    parts = (_markup(child) + (child.tail or "") for child in element)
    return _PLACEHOLDER_DECLARATION.sub("", "".join([element.text or "", *parts]))


def _markup(element: Any) -> str:
    """Return `element` as markup, without the namespaces of the whole document if it is not too long."""
    markup = etree.tostring(element, encoding="unicode", with_tail=False)
    if len(markup) > _MAX_CANONICAL:
        return markup
    try:
        return etree.tostring(element, method="c14n", exclusive=True).decode()
    except etree.C14NError:
        # The URI of a namespace is invalid.
        return markup


def author_of(fields: Children, meta: Meta) -> Author:
    """Return the author described by the fields of one of AUTHOR_ELEMENTS."""
    first, last = fields.text("wp:author_first_name").strip(), fields.text("wp:author_last_name").strip()
    author = Author(
        id=values.parse_id(fields.text("wp:author_id")),
        login=fields.text("wp:author_login").strip(),
        email=fields.text("wp:author_email").strip(),
        display_name=fields.text("wp:author_display_name").strip() or f"{first} {last}".strip(),
        first_name=first,
        last_name=last,
    )
    return extensions.author_with_extension(author, meta)


def term_of(element: str, fields: Children, meta: Meta) -> Term:
    """Return the term described by the fields of `element`, one of TERM_ELEMENTS."""
    taxonomy, names = TERM_ELEMENTS[element]
    taxonomy = taxonomy or _taxonomy(fields.text("wp:term_taxonomy"))
    slug, name, parent, description = (fields.text(f"wp:{name}") for name in names)
    plain_name, plain_description = values.plain_line(name), values.plain_lines(description)
    if taxonomy in {CATEGORY, TAG}:
        read = {*(f"wp:{name}" for name in names), "wp:term_id", "wp:term_taxonomy"}
        markup = {"name": (name, plain_name), "description": (description, plain_description)}
        elements = tuple((key, raw) for key, (raw, plain) in markup.items() if raw.strip() != text_to_html(plain))
        elements += fields.texts(except_for=read)
    else:
        elements = fields.texts()
    return Term(
        taxonomy=taxonomy,
        slug=_slug(slug),
        name=plain_name,
        parent=parent.strip(),
        description=plain_description,
        id=values.parse_id(fields.text("wp:term_id")),
        legacy_urls=extensions.find_legacy_urls(meta),
        elements=elements,
        meta=extensions.without_extension(meta),
    )


def comment_of(fields: Children, meta: Meta, *, is_whole: bool) -> Comment:
    """Return the comment described by the fields of `wp:comment`, with the texts of all of them if `is_whole`."""
    author, email, url, content = exported = [
        fields.text(f"wp:comment_{name}") for name in ("author", "author_email", "author_url", "content")
    ]
    written_at = fields.time("wp:comment_date")
    comment = Comment(
        id=values.parse_id(fields.text("wp:comment_id")),
        author=values.plain_line(author),
        email=values.plain_line(email),
        url=values.plain_url(url),
        written_at=written_at,
        content=content,
        approved=fields.text("wp:comment_approved").strip(),
        type=fields.text("wp:comment_type").strip() or "comment",
        parent=values.parse_id(fields.text("wp:comment_parent")),
        user_id=values.parse_id(fields.text("wp:comment_user_id")),
        elements=fields.texts() if is_whole else (),
        meta=extensions.without_extension(meta),
        key=values.id_key(fields.text("wp:comment_id")),
        parent_key=values.id_key(fields.text("wp:comment_parent")),
        unclear_date="" if written_at else fields.unclear_date("wp:comment_date", "wp:comment_date_gmt"),
    )
    return extensions.comment_with_extension(comment, meta, *exported, str(fields.date("wp:comment_date")))


def _taxonomy(name: str) -> str:
    """Return the taxonomy. Before WXR 1.1, it was `tag` for tags and empty for categories."""
    name = name.strip()
    return {"": CATEGORY, "tag": TAG}.get(name, name)


# Cached because most posts share their tags.
@lru_cache(maxsize=2**14)
def term_ref(taxonomy: str, slug: str, name: str) -> TermRef:
    """Return an item's reference to one of its terms."""
    return TermRef(_taxonomy(taxonomy), _slug(slug), values.plain_line(name))


def _slug(exported: str) -> str:
    """Return the slug of a term; empty if no part of it can be used in a URL, as with `..`."""
    return exported.strip() if values.usable_slug(exported.strip()) else ""
