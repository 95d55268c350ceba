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
from wordpress.wxr.records import CO_AUTHOR_PREFIX, CO_AUTHORS, MOLONGUI_AUTHOR, Item, Term, TermRef

_MAX_LENGTH: Final = max_length(Entry, "co_authors")
# They separate names here, but are part of some, as in “King, Jr.”
_COMMAS: Final = re.compile("[,،]")


def people_in(analysis: Analysis, names_here: Mapping[str, str]) -> dict[str, str]:
    """Return the names of all people by everything that the export may call them.

    `names_here` are the names of their accounts by login. They may be pen names, which then take precedence.
    """
    terms = (term for term in analysis.terms if term.taxonomy == CO_AUTHORS)
    people = {term.name: name for term in terms if (name := _name_in_description(term))}
    people |= analysis.guest_names
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
    names_author = author != "" and author in found.values()
    if not names_author and not any(ref.slug.startswith(CO_AUTHOR_PREFIX) for ref in refs):
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


def _name_in_description(term: Term) -> str:
    """Return the name of someone who has an account but created nothing, so that the export doesn't list them.

    Co-Authors Plus describes them as “NAME FIRST LAST LOGIN ID E-MAIL”. Readers saw only the first of these. It is
    certain if it is repeated by the other two, or if these are empty.
    """
    names, login, _rest = term.description.rpartition(f" {term.name} ")
    words = names.split()
    half = len(words) // 2
    if not login or not term.slug.startswith(CO_AUTHOR_PREFIX):
        return ""
    if words[:half] == words[half:]:
        return " ".join(words[:half])
    return names.strip() if names.endswith("  ") else ""


def _name(ref: TermRef, people: Mapping[str, str]) -> str:
    slug = ref.slug.removeprefix(CO_AUTHOR_PREFIX)
    # Co-Authors Plus calls people by their logins, but programs that imitate it use names, which have several words.
    is_name = not ref.slug.startswith(CO_AUTHOR_PREFIX) or " " in ref.name
    return people.get(ref.name) or people.get(slug) or (ref.name if is_name else "")
