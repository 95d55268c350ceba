"""Finding posts, pages and comments. Nothing is found that a reader may not see."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from blog.models import Category, Entry, public_condition
from blog.models.entry_query import EntryKind
from comments.models import Comment, CommentKind, CommentQuerySet, CommentSettings
from core.models import SiteSettings
from core.slugs import slugify
from search import labels
from search.indexes import comment_index, entry_index
from search.indexes.documents import Found
from search.indexes.queries import Group, Phrase
from search.queries import Filter, Query, expression, expression_of_parts
from tags.models import Tag, TagAlias, search_key, tag_key

# Of more hits, only the newest are ranked and can be paged through, besides some with the words in their titles.
MAX_RANKED: Final = 500
# How many categories, tags or people one filter may stand for.
_MAX_NAMED: Final = 50
# Longer lists in the admin are not useful.
_MAX_FOR_STAFF: Final = 2_000
_MAX_LANGUAGES: Final = 12
# No blog has older posts.
_FIRST_DAY: Final = dt.date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Hits:
    """The IDs of what was found, in order, and whether there is more, which can't be paged through.

    With `any_word`, nothing has all of the words, and these have some. `unknown` are filters whose names nothing has.
    """

    pks: Sequence[int]
    has_more: bool = False
    any_word: bool = False
    unknown: Sequence[Filter] = ()


def find_entries(query: Query, site: SiteSettings, *, best_first: bool = True) -> Hits:
    """Return the posts and pages that match, the best or the newest first."""
    groups, without, unknown = _groups(query)
    languages = languages_of(site)
    hidden = scheduled()

    def find(*, any_word: bool = False) -> Found:
        looked_up = expression(query, languages, [(Phrase((labels.PUBLIC,)),), *groups], without, any_word=any_word)
        return entry_index().find(looked_up, limit=MAX_RANKED, best_first=best_first, hidden=hidden)

    found, any_word = find(), False
    if not found.pks and len(query.words) > 1 and not unknown:
        found, any_word = find(any_word=True), True
    pks = found.pks if best_first else _by_date(found.pks)
    return Hits(pks, found.has_more, any_word and bool(pks), unknown)


def find_comments(query: Query, site: SiteSettings) -> Hits:
    """Return the comments that match, the newest first. Filters are about posts, so comments ignore them."""
    if not (query.words or query.excluded):
        return Hits([])
    looked_up = expression(query, languages_of(site), [(Phrase((labels.ANY,)),)])
    found = comment_index().find(looked_up, limit=MAX_RANKED, best_first=False)
    comments = public_comments().filter(pk__in=found.pks)
    if not CommentSettings.of(site).show_pingbacks:
        comments = comments.filter(kind=CommentKind.COMMENT)
    pks = list(comments.order_by("-created_at", "-pk").values_list("pk", flat=True))
    return Hits(pks, found.has_more)


def public_comments() -> CommentQuerySet:
    """Return `Comment.objects.public()` for looking up comments by ID, for which SQLite would read all entries."""
    return Comment.objects.approved().filter(public_condition("entry__"), entry__password="")  # for having none


def scheduled() -> list[int]:
    """Return the IDs of entries that are not public yet, although their label says so."""
    return list(Entry.objects.scheduled().filter(kind__in=EntryKind.values).order_by().values_list("pk", flat=True))


def find_for_staff(words: Sequence[str]) -> list[int]:
    """Return the IDs of the newest entries of any status with all of these words, of which some are phrases."""
    looked_up = expression_of_parts(words, languages_of(SiteSettings.current()))
    return entry_index().find(looked_up, limit=_MAX_FOR_STAFF, best_first=False).pks


def languages_of(site: SiteSettings) -> list[str]:
    """Return the languages in which this blog writes, those of the site first."""
    key = f"search:languages:{site.content_version}"
    used: list[str] | None = cache.get(key)
    if used is None:
        rows = Entry.objects.filter(kind__in=EntryKind.values).order_by().values_list("language", flat=True)
        used = sorted(filter(None, rows.distinct()))[:_MAX_LANGUAGES]
        cache.set(key, used)
    return [settings.LANGUAGE_CODE, *used]


def _by_date(pks: Sequence[int]) -> list[int]:
    return list(Entry.objects.filter(pk__in=pks).newest_first().values_list("pk", flat=True))


def _groups(query: Query) -> tuple[list[Group], Group, list[Filter]]:
    """Return the labels that documents have (one of each group), those that they don't have, and unknown filters."""
    groups: list[Group] = []
    excluded: list[Phrase] = []
    unknown: list[Filter] = []
    for each in query.filters:
        group = tuple(Phrase((label,)) for label in _labels(each))
        if not group:
            unknown.append(each)
        if each.is_excluded:
            excluded += group
        else:
            groups.append(group)
    if query.first or query.last:
        first, last = query.first or _FIRST_DAY, query.last or timezone.localdate() + dt.timedelta(days=1)
        groups.append(tuple(Phrase((label,)) for label in labels.of_days(max(first, _FIRST_DAY), last)))
    return groups, tuple(excluded), unknown


def _labels(each: Filter) -> Iterator[str]:
    name = each.value[:200]
    match each.name:
        case "tag":
            key, slug = tag_key(name), slugify(name) or name
            former = TagAlias.objects.filter(Q(slug=slug) | (Q(key=key) & ~Q(key=""))).values_list("tag", flat=True)
            tags = Tag.objects.filter(Q(key=key) | Q(slug=slug) | Q(search_key=search_key(name)))
            for pk in {*tags.values_list("pk", flat=True)[:_MAX_NAMED], *former[:_MAX_NAMED]}:
                yield labels.tag(pk)
        case "category":
            named = Category.objects.filter(Q(slug=slugify(name)) | Q(name__iexact=name))[:_MAX_NAMED]
            for category in named:
                for pk in Category.objects.below(category.path).values_list("pk", flat=True):
                    yield labels.category(pk)
        case _:
            people = User.objects.filter(Q(slug=slugify(name)) | Q(display_name__iexact=name))
            for pk in people.values_list("pk", flat=True)[:_MAX_NAMED]:
                yield labels.author(pk)
