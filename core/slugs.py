"""Slugs: segments of URLs that identify objects, generated the way WordPress does."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from itertools import batched, count
from typing import Any, Final
from urllib.parse import unquote

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.exceptions import AppRegistryNotReady, ValidationError
from django.db.models import CharField, Q, QuerySet
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import RegexPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.registry import Registry

# By app: the first segments of its URLs. A top-level page with such a slug, and its children, could not be reached.
reserved_slugs: Final[Registry[Collection[str]]] = Registry("set of reserved slugs")

# Letters that NFKD does not decompose, but WordPress replaces (remove_accents).
_LETTERS = str.maketrans("øØłŁđĐðÐı", "oOlLdDdDi") | str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"}
)
_LATIN_ACCENT = re.compile(r"(?<=[A-Za-z])[\u0300-\u036f]+")
# Joiners belong to the spelling of Persian and Indian scripts, unlike other invisible characters.
_JOINERS = "\u200c\u200d"
# WordPress appends this to the slugs of trashed posts, so that others can use the slug. Exports contain such slugs.
_TRASH_SUFFIX = re.compile(r"__trashed(?:-[0-9]+)?$")
# How many numbers are looked up in one query.
_AT_ONCE: Final = 100
# The first segment of a regular expression, if it is the same for all matches.
_LITERAL_START = re.compile(r"\^?((?:[\w-]|\\[.-])+)(?:/|\(\?:/|\$|\Z)")


def slugify(text: str) -> str:
    """Return `text` in lower case, with words joined by hyphens and without Latin accents.

    The slug is empty if no character of the text can be part of one (`🎉`), so callers need a fallback.
    Source: WordPress, sanitize_title_with_dashes and remove_accents.
    """
    plain = _LATIN_ACCENT.sub("", unicodedata.normalize("NFKD", text.translate(_LETTERS)))
    plain = unicodedata.normalize("NFC", plain).lower()
    plain = re.sub(r"[\s–—/.-]+", "-", plain)
    kept = (char for char in plain if char in _JOINERS + "_-" or unicodedata.category(char)[0] in "LMN")
    return re.sub(r"-+", "-", "".join(kept)).strip("-" + _JOINERS)


def slug_from_export(slug: str) -> str:
    """Return an exported slug as we store it: percent-decoded and composed (NFC), otherwise unchanged."""
    return unicodedata.normalize("NFC", unquote(slug))


def slug_before_trash(slug: str) -> str:
    """Return `slug` without the suffix that WordPress gives to the slugs of trashed posts."""
    return _TRASH_SUFFIX.sub("", slug)


def numbered_slugs(base: str, *, max_length: int, first: int = 1) -> Iterator[str]:
    """Yield `base`, `base-2`, `base-3`…, as WordPress numbers them, starting with the number `first`."""
    if first == 1:
        yield base
    for number in count(max(first, 2)):
        suffix = f"-{number}"
        yield base[: max_length - len(suffix)] + suffix


def unique_slug(base: str, is_taken: Callable[[str], bool], *, max_length: int) -> str:
    """Return the first of the numbered slugs that is not taken."""
    return next(slug for slug in numbered_slugs(base, max_length=max_length) if not is_taken(slug))


# How many numbers were tried, by scope and slug.
type TriedNumbers = Counter[tuple[Hashable, str]]


class SlugNumbers:
    """Numbers the slugs of objects that are about to be stored, many of which may want the same slug.

    Slugs that differ only in their last few characters share their numbers, because these characters may have to make
    room for a number. Objects that are stored in several batches share `tried`.
    """

    def __init__(self, max_length: int, tried: TriedNumbers | None = None) -> None:
        self._max_length = max_length
        self._tried: TriedNumbers = Counter() if tried is None else tried
        self._free: dict[tuple[Hashable, str], Iterator[str]] = {}

    def next_free(
        self, base: str, taken_by: QuerySet[Any], *, scope: Hashable = None, also_taken: Collection[str] = frozenset()
    ) -> str:
        """Return the next numbered slug that neither an object of `taken_by`, all of its scope, nor `also_taken` has.

        Takes one query per hundred numbers.
        """
        key = scope, _fixed_part(base, self._max_length)
        if key not in self._free:
            self._free[key] = self._each_free(key, base, taken_by)
        return next(slug for slug in self._free[key] if slug not in also_taken)

    def _each_free(self, key: tuple[Hashable, str], base: str, taken_by: QuerySet[Any]) -> Iterator[str]:
        base = _without_end_hyphens(base[: self._max_length])
        slugs = numbered_slugs(base, max_length=self._max_length, first=self._tried[key] + 1)
        for some in batched(slugs, _AT_ONCE):
            taken = set(taken_by.filter(slug__in=some).values_list("slug", flat=True))
            for slug in some:
                self._tried[key] += 1
                if slug not in taken:
                    yield slug


def free_slugs(bases: Iterable[str], *taken_by: QuerySet[Any], max_length: int) -> list[str]:
    """Return the first of the numbered slugs of each base that no object of `taken_by` has, all of them different.

    Takes one query, and another one if a base is taken or occurs twice.
    """
    bases = [_without_end_hyphens(base[:max_length]) for base in bases]
    taken = _slugs(taken_by, Q(slug__in=bases))
    if contested := taken | {base for base, uses in Counter(bases).items() if uses > 1}:
        beginnings = {_fixed_part(base, max_length) for base in contested}
        tried = Q(*(Q(slug__startswith=beginning) for beginning in sorted(beginnings)), _connector=Q.OR)
        taken |= _slugs(taken_by, tried)
    numbered = {base: numbered_slugs(base, max_length=max_length) for base in bases}
    free = []
    for base in bases:
        # Slugs that were tried for an equal base are taken.
        free.append(next(slug for slug in numbered[base] if slug not in taken))
        taken.add(free[-1])
    return free


def _slugs(taken_by: Iterable[QuerySet[Any]], condition: Q) -> set[str]:
    """Return the slugs in all of `taken_by` that meet the condition, in one query."""
    first, *others = [rows.filter(condition).order_by().values_list("slug", flat=True) for rows in taken_by]
    return set(first.union(*others).order_by())


def _without_end_hyphens(slug: str) -> str:
    """Return `slug` without hyphens at its ends, unless it has nothing else: `-` is numbered `--2`, as in WordPress."""
    return slug.strip("-") or slug


def _fixed_part(base: str, max_length: int) -> str:
    """Return the prefix that `base` shares with all its numbered slugs."""
    return base[: max_length - 8]


def is_reserved(slug: str) -> bool:
    """Whether the site itself uses `slug` as the first segment of URLs."""
    return any(slug in slugs for slugs in reserved_slugs.values())


def reserved_pattern() -> str:
    """Return a regular expression for reserved slugs. Raises AppRegistryNotReady if apps may still register some."""
    if not apps.ready_event.is_set():
        raise AppRegistryNotReady("Apps register their reserved slugs when they are ready.")
    slugs = sorted({slug for slugs in reserved_slugs.values() for slug in slugs})
    return f"(?:{'|'.join(map(re.escape, slugs))})"


def check_reserved_slugs(**kwargs: Any) -> list[CheckMessage]:
    """Report each literal first segment of the URLconf that a page could have as its slug (core.E002)."""
    return [
        Error(
            f"A page with the slug {segment!r} would be hidden by other URLs.",
            hint="Register it in core.slugs.reserved_slugs.",
            id="core.E002",
        )
        for segment in sorted(set(_first_segments(get_resolver())))
        if not is_reserved(segment)
    ]


def _first_segments(resolver: URLResolver) -> Iterator[str]:
    """Yield the first segment of each pattern's URLs, unless it differs between them."""
    for pattern in resolver.url_patterns:
        route = str(pattern.pattern)
        segment = route.partition("/")[0]
        if isinstance(pattern, URLResolver) and not route.strip("^"):
            yield from _first_segments(pattern)
        elif isinstance(pattern.pattern, RegexPattern):
            if start := _LITERAL_START.match(route):
                yield start[1].replace("\\", "")
        elif segment and "<" not in segment:
            yield segment


def validate_slug(slug: str) -> None:
    """Raise ValidationError if `slug` can't be in a URL. Unlike Django, allow imported invisible characters."""
    if slug in {".", ".."} or re.search(r"[\s/?#%\\\x00-\x1f\x7f]", slug):
        text = _("“%(slug)s” can't contain spaces or any of / ? # %% \\. Use hyphens instead.")
        raise ValidationError(text, code="slug", params={"slug": slug})


def slug_field(help_text: Any, *, unique: bool = True) -> CharField[str, str]:
    """Return a field for slugs of any script. `help_text` says what an empty slug is made from."""
    return CharField(
        gettext_lazy("slug"), max_length=200, blank=True, unique=unique, validators=[validate_slug], help_text=help_text
    )
