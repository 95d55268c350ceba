"""The names and URLs of the categories and tags of posts, as public pages link to them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from html import escape
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.safestring import SafeString, mark_safe

from blog.models import Entry, Post
from blog.models.category import category_url
from core.prepared import Prepared
from core.scripts import language_attribute
from core.text import by_name


class Term(NamedTuple):
    """A category, a tag or anything else with a name and a page."""

    name: str
    url: str


class Terms(NamedTuple):
    """The categories and tags of a post, each sorted by name, ignoring case and accents."""

    categories: list[Term]
    tags: list[Term]


def terms_of(posts: Collection[Post]) -> defaultdict[int, Terms]:
    """Return the categories and tags of each post by its ID. Takes two queries, which load only names and URLs."""
    terms: defaultdict[int, Terms] = defaultdict(lambda: Terms([], []))
    if not posts:
        return terms
    for pk, categories in categories_of(posts).items():
        terms[pk].categories.extend(categories)
    for pk, name, url in Post.tags.names_and_urls([post.pk for post in posts]):
        terms[pk].tags.append(Term(name, url))
    for found in terms.values():
        found.tags.sort(key=lambda term: by_name(term.name))
    return terms


def categories_of(posts: Collection[Post]) -> defaultdict[int, list[Term]]:
    """Return the categories of each post by its ID, sorted by name, ignoring case and accents. Takes one query."""
    categories: defaultdict[int, list[Term]] = defaultdict(list)
    if posts:
        for pk, name, path in _categories([post.pk for post in posts]):
            categories[pk].append(Term(name, category_url(path)))
    for found in categories.values():
        found.sort(key=lambda term: by_name(term.name))
    return categories


@Prepared
def _categories(ids: Any) -> QuerySet[Any, tuple[int, str, str]]:
    filed = Entry.categories.through._default_manager.filter(entry__pk__in=ids)
    return filed.values_list("entry", "category__name", "category__path")


def links_to(terms: Iterable[Term], comma: str) -> SafeString:
    """Return links to these terms, separated by `comma` (core.languages.separator), for an `h-entry` (microformats)."""
    links = [
        f'<a class="p-category" href="{escape(url)}" dir="auto"{language_attribute(name)}>{escape(name)}</a>'
        for name, url in terms
    ]
    return mark_safe(comma.join(links))  # noqa: S308  # the names and URLs are escaped, and the comma is ours
