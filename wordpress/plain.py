"""Plain texts, slugs and moments from what an export says."""

import datetime as dt
import html
import re
from collections.abc import Callable
from functools import lru_cache

from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.slugs import slug_from_export, slugify, validate_slug

MAX_SLUG_LENGTH = 200

_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
# Markup, entities, and what ends a line.
_NOT_PLAIN = re.compile(r"[<&\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BREAK = re.compile(r"<br\b[^<>]*>|</(?:p|div|li|h[1-6])\s*>", re.IGNORECASE)


def plain(text: str) -> str:
    """One line of `text` without markup: `R&amp;D <em>now</em>` is `R&D now`. WordPress keeps names as HTML.

    Blanks within it stay as they were typed, those that hold a line together too.
    """
    if not _NOT_PLAIN.search(text):
        return text.strip()
    lines = html.unescape(_TAG.sub("", text)).replace("\t", " ").splitlines()
    return " ".join(filter(None, map(str.strip, lines)))


def plain_lines(text: str) -> str:
    """`text` without markup, its lines kept."""
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text))).strip()


def has_markup(text: str) -> bool:
    return _TAG.search(text) is not None


def usable_slug(exported: str) -> str:
    """A slug of an export as it can stand in an address here: nearly always untouched. Empty if nothing is left."""
    slug = slug_from_export(exported)
    try:
        validate_slug(slug)
    except ValidationError:
        slug = slugify(slug)
    return slug[:MAX_SLUG_LENGTH]


# Each of a post's tags is looked up by it, and most posts share theirs.
@lru_cache(maxsize=2**14)
def slug_key(exported: str) -> str:
    """What two spellings of one exported slug have in common: `%C3%A9` and `%c3%a9`, `Two words` and `two-words`."""
    return (usable_slug(exported) or slug_from_export(exported)).lower()


def language_code(exported: str) -> str:
    """The code of the language that the slug `exported` names; empty if it names none that is known here."""
    code = exported.lower()
    return code if code in LANG_INFO else ""


def numbered(wanted: str, is_taken: Callable[[str], bool]) -> str:
    """`wanted`, or `wanted-2`, `wanted-3` … if that is taken."""
    slug, number = wanted, 1
    while is_taken(slug):
        number += 1
        ending = f"-{number}"
        slug = wanted[: MAX_SLUG_LENGTH - len(ending)] + ending
    return slug


def moment(local: dt.datetime | None, utc: dt.datetime | None = None) -> dt.datetime | None:
    """The moment that the clock of the site showed `local`, or else `utc`; None if there is neither."""
    try:
        if local is not None:
            # Worked out in UTC here already: what has no place there would fail in the database.
            return timezone.make_aware(local, timezone.get_default_timezone()).astimezone(dt.UTC)
        return on_both_clocks(utc.replace(tzinfo=dt.UTC)) if utc is not None else None
    except OverflowError:
        return None


def on_both_clocks(moment: dt.datetime) -> dt.datetime:
    """`moment` in UTC. Raises OverflowError if the clock of the site has no place for it: no page could say it."""
    timezone.localtime(moment, timezone.get_default_timezone())
    return moment.astimezone(dt.UTC)
