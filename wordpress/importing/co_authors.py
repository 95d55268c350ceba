"""The people who wrote a post with its author, in Co-Authors Plus, PublishPress Authors and Molongui Authorship.

These plugins call people by logins, IDs or names. Readers see names only.
"""

import re
from collections.abc import Mapping
from typing import Final

from blog.models import Entry
from core.slugs import slugify
from wordpress.importing.analysis import Analysis, authors_in
from wordpress.importing.limits import max_length
from wordpress.wxr.records import CO_AUTHOR_PREFIX, CO_AUTHORS, MOLONGUI_AUTHOR, Item, TermRef

_MAX_LENGTH: Final = max_length(Entry, "co_authors")
# They separate names here, but are part of some, as in “King, Jr.”
_COMMAS: Final = re.compile("[,،]")


def people_in(analysis: Analysis, names_here: Mapping[str, str]) -> dict[str, str]:
    """Return the names of all people by everything that the export may call them.

    `names_here` are the names of their accounts by login. They may be pen names, which then take precedence.
    """
    people = dict(analysis.guest_names)
    for login, author in authors_in(analysis).items():
        keys = (author.display_name, slugify(login), login, f"user-{author.id}")
        people |= dict.fromkeys(keys, names_here.get(login, author.display_name))
    return people


def co_authors(item: Item, people: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the names of those who wrote a post with its author, and what the export calls others, who are not named.

    `people` are all names (`people_in`).
    """
    if item.type != "post":
        # Pages don't name their authors.
        return [], []
    refs = [ref for ref in item.terms if ref.taxonomy == CO_AUTHORS]
    found = {ref.name or ref.slug: _name(ref, people) for ref in refs}
    author = people.get(item.author, "")
    is_plugin = any(ref.slug.startswith(CO_AUTHOR_PREFIX) for ref in refs) or author in found.values()
    if not is_plugin:
        # It is a taxonomy of the theme, such as the authors of books.
        found = dict.fromkeys(found, "")
    found |= {value.strip(): people.get(value.strip(), "") for key, value in item.meta if key == MOLONGUI_AUTHOR}
    names = dict.fromkeys(_COMMAS.sub("", name) for name in found.values() if name not in {"", author})
    return list(names), [key for key, name in found.items() if not name]


def co_authors_text(item: Item, people: Mapping[str, str]) -> str:
    """Return the co-authors of a post as they are stored."""
    exact = item.extension.texts.get("co_authors") if item.extension else None
    text = ", ".join(co_authors(item, people)[0]) if exact is None else exact
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH].rpartition(",")[0]


def _name(ref: TermRef, people: Mapping[str, str]) -> str:
    slug = ref.slug.removeprefix(CO_AUTHOR_PREFIX)
    # Co-Authors Plus calls people by their logins. Readers saw those that are made of several words in URLs.
    is_name = not ref.slug.startswith(CO_AUTHOR_PREFIX) or " " in ref.name
    return people.get(ref.name) or people.get(slug) or (ref.name if is_name else "")
