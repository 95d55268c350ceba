"""Existing tags to suggest to a writer: those that match what they type, or that occur in their text."""

import re
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

from django.db.models import Q

from blog.permissions import Anyone
from core.slugs import slugify
from core.text import fold
from tags.models import FormerName, Tag, TagAlias
from tags.names import search_key
from tags.seen import seen_rows, seen_tags

MAX_SUGGESTED: Final = 10
# The beginning of a text that is searched, in characters, and the most words of the names that it is searched for.
_MAX_TEXT: Final = 100_000
_MAX_WORDS: Final = 5
_MIN_LENGTH: Final = 3
_BATCH_SIZE: Final = 1000
_WORD: Final = re.compile(r"[\w#+@]+(?:['’.-][\w#+@]+)*")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tag with the number of its posts. `former` is what matched, if it was a former name or slug."""

    name: str
    count: int
    former: str = ""


def matching(typed: str, user: Anyone) -> list[Suggestion]:
    """Return tags that `user` sees with a word that starts with `typed`, most used first; then those that contain it.

    The tag with exactly this name comes before them. Case and accents make no difference. At most MAX_SUGGESTED.
    """
    key = search_key(typed)
    if not key:
        return []
    begins = Q(search_key__startswith=key) | Q(search_key__contains=f" {key}")
    former = _former(typed, key)
    found = {tag.pk: tag for tag in _most_used(Q(search_key=key), user)}
    found |= {tag.pk: tag for tag in _most_used(begins | Q(pk__in=former), user)}
    if len(found) < MAX_SUGGESTED and len(key) >= _MIN_LENGTH:
        found |= {tag.pk: tag for tag in _most_used(Q(search_key__contains=key), user) if tag.pk not in found}
    return [
        Suggestion(tag.name, tag.post_count, "" if key in tag.search_key else former.get(tag.pk, ""))
        for tag in list(found.values())[:MAX_SUGGESTED]
    ]


def in_text(text: str, user: Anyone) -> list[Suggestion]:
    """Return tags that `user` sees whose names occur in `text` as whole words, the most used first.

    At most MAX_SUGGESTED.
    """
    words = _WORD.findall(fold(text[:_MAX_TEXT]))
    phrases = {
        " ".join(words[start : start + length])
        for length in range(1, _MAX_WORDS + 1)
        for start in range(len(words) - length + 1)
    }
    found: list[Any] = []
    for some in batched((phrase for phrase in phrases if len(phrase) >= _MIN_LENGTH), _BATCH_SIZE):
        found += Tag.objects.filter(search_key__in=some).values_list("pk", flat=True)
    tags: list[Any] = []
    for some in batched(found, _BATCH_SIZE):
        tags += _most_used(Q(pk__in=some), user)
    tags.sort(key=lambda tag: (-tag.post_count, tag.name))
    return [Suggestion(tag.name, tag.post_count) for tag in tags[:MAX_SUGGESTED] if tag.post_count]


def _most_used(condition: Q, user: Anyone) -> Any:
    tags = seen_tags(user).filter(condition).with_counts(seen_rows(user))
    return tags.order_by("-post_count", "name", "pk")[:MAX_SUGGESTED]


def _former(typed: str, key: str) -> dict[int, str]:
    """Return the former name that starts with `typed`, or else the former slug, by the ID of the tag that had it.

    `key` is the search key of what was typed.
    """
    slug = slugify(typed)
    aliases = TagAlias.objects.filter(slug__startswith=slug).order_by("slug") if slug else TagAlias.objects.none()
    names = FormerName.objects.filter(search_key__startswith=key).order_by("search_key")
    found = dict(aliases.values_list("tag", "slug")[:MAX_SUGGESTED])
    return found | dict(names.values_list("tag", "name")[:MAX_SUGGESTED])
