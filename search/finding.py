"""Finding posts, pages and comments, but nothing that a reader may not see."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from blog.models import Category, Entry, Post, PostInCategory
from blog.models.entry_query import EntryKind
from comments.models import Comment, CommentKind, CommentSettings
from core.models import SiteSettings
from core.prepared import Prepared
from core.slugs import slugify
from search import labels
from search.indexes import comment_index, entry_index
from search.indexes.queries import Expression, Group, Phrase
from search.queries import Filter, Query, forms_of, forms_of_parts
from search.ranking import Lookup, by_any_match, by_date, by_match
from search.text import stemmer_of, tokens_of
from tags.models import FormerName, Tag, TagAlias, TaggedPost
from tags.names import search_key, tag_key

# If there are more hits, only the best or newest can be paged through.
MAX_RANKED: Final = 500
# How many categories, tags or authors one filter may match.
_MAX_NAMED: Final = 50
# Longer lists in the admin are not useful.
_MAX_FOR_STAFF: Final = 2_000
_MAX_LANGUAGES: Final = 12
# No blog has older posts.
_FIRST_DAY: Final = dt.date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Hits:
    """The IDs of hits in order, and whether there are more, which can't be paged through.

    With `any_word`, nothing contains all of the words, and the hits contain some. `unknown` are the filters whose names
    don't exist.
    """

    pks: Sequence[int]
    has_more: bool = False
    any_word: bool = False
    unknown: Sequence[Filter] = ()


def find_entries(query: Query, site: SiteSettings, *, best_first: bool = True, limit: int = MAX_RANKED) -> Hits:
    """Return up to `limit` posts and pages that match, the best or the newest first."""
    groups, without, unknown = _groups(query)
    languages = languages_of(site)
    labelled = [(Phrase((labels.PUBLIC,)),), *groups]
    excluded = (*_excluded(query, languages), *without)
    titled = (Phrase((labels.title(tokens_of(query.text)),)),)
    lookup = Lookup(entry_index(), query.words, languages, labelled, excluded, scheduled(site), titled)
    found, any_word = (by_match if best_first else by_date)(lookup, limit), False
    if not found.pks and len(query.words) > 1 and not unknown:
        found, any_word = by_any_match(lookup, limit), True
    pks = found.pks if best_first else _newest_first(list(found.pks))
    return Hits(pks, found.has_more, any_word and bool(pks), unknown)


def find_comments(query: Query, site: SiteSettings) -> Hits:
    """Return the comments that match, the newest first. Filters are about posts, so comments ignore them."""
    if not (query.words or query.excluded):
        return Hits([])
    languages = languages_of(site)
    labelled = [(Phrase((labels.ANY,)),)]
    found = by_date(Lookup(comment_index(), query.words, languages, labelled, _excluded(query, languages)), MAX_RANKED)
    comments = Comment.objects.public().filter(pk__in=found.pks)
    if not CommentSettings.of(site).show_pingbacks:
        comments = comments.filter(kind=CommentKind.COMMENT)
    pks = list(comments.order_by("-created_at", "-pk").values_list("pk", flat=True))
    return Hits(pks, found.has_more)


def _excluded(query: Query, languages: Sequence[str]) -> Group:
    return tuple(phrase for word in query.excluded for phrase in forms_of(word, languages))


def scheduled(site: SiteSettings) -> list[int]:
    """Return the IDs of scheduled entries, which have the label of public ones but aren't public yet."""

    def times() -> list[tuple[int, dt.datetime]]:
        rows = Entry.objects.scheduled().filter(kind__in=EntryKind.values).order_by()
        return list(rows.values_list("pk", "published_at"))

    now = timezone.now()
    return [pk for pk, published_at in site.remember(times, "scheduled entries") if published_at > now]


def find_for_staff(words: Sequence[str]) -> list[int]:
    """Return the IDs of the newest entries, of any status, with all of these words and phrases."""
    groups = forms_of_parts(words, languages_of(SiteSettings.current()))
    return list(entry_index().find([Expression(tuple(groups))], limit=_MAX_FOR_STAFF).pks)


def find_comments_for_staff(words: Sequence[str], limit: int) -> Sequence[int]:
    """Return the IDs of the newest approved comments with all of these words and phrases."""
    groups = forms_of_parts(words, languages_of(SiteSettings.current()))
    return comment_index().find([Expression(tuple(groups))], limit=limit).pks


def languages_of(site: SiteSettings) -> list[str]:
    """Return the language of the site, and those of most of its texts, the most frequent first, if they have stems."""
    return [settings.LANGUAGE_CODE, *site.remember(_used_languages, "languages of entries")]


def _used_languages() -> list[str]:
    used = Entry.objects.exclude(language="").order_by().values_list("language").annotate(count=Count("pk"))
    counts: Counter[str] = Counter()
    for language, count in used:
        counts[stemmer_of(language)] += count
    del counts[""]
    return sorted(counts, key=lambda code: (-counts[code], code))[:_MAX_LANGUAGES]


_newest_first = Prepared[int](lambda pks: Entry.objects.filter(pk__in=pks).newest_first().values_list("pk", flat=True))


def _groups(query: Query) -> tuple[list[Group], Group, list[Filter]]:
    """Return the labels that documents must have (one of each group) or not have, and the unknown filters."""
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
        # Nothing public is later. Without this limit, a year such as 9999 would take thousands of labels.
        tomorrow = timezone.localdate() + dt.timedelta(days=1)
        first, last = max(query.first or _FIRST_DAY, _FIRST_DAY), min(query.last or tomorrow, tomorrow)
        groups.append(tuple(Phrase((label,)) for label in labels.of_days(first, last)))
    return groups, tuple(excluded), unknown


def _labels(each: Filter) -> Iterator[str]:
    """Yield the labels of everything with this name and public posts. Readers must not learn of anything else."""
    name = each.value[:200]
    match each.name:
        case "tag":
            key, slug = tag_key(name), slugify(name) or name
            named = Tag.objects.filter(Q(key=key) | Q(slug=slug) | Q(search_key=search_key(name))).values("pk")
            aliases = TagAlias.objects.filter(slug=slug).values("tag")
            former_names = FormerName.objects.filter(key=key).values("tag")
            has_posts = Exists(TaggedPost.objects.public().filter(tag=OuterRef("pk")))
            tags = Tag.objects.filter(has_posts, pk__in=named.union(aliases, former_names))
            for pk in tags.values_list("pk", flat=True)[:_MAX_NAMED]:
                yield labels.tag(pk)
        case "category":
            # A category has the posts of its subcategories.
            has_posts = Exists(PostInCategory.objects.public().filter(category=OuterRef("pk")))
            named = Category.objects.filter(has_posts, Q(slug=slugify(name)) | Q(name__iexact=name))
            for category in named[:_MAX_NAMED]:
                for pk in Category.objects.below(category.path).values_list("pk", flat=True):
                    yield labels.category(pk)
        case _:
            has_posts = Exists(Post.objects.published().filter(author=OuterRef("pk")))
            people = User.objects.filter(has_posts, Q(slug=slugify(name)) | Q(display_name__iexact=name))
            for pk in people.values_list("pk", flat=True)[:_MAX_NAMED]:
                yield labels.author(pk)
