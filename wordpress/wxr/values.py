"""Plain text, slugs and datetimes from the values in an export."""

import datetime as dt
import html
import re
from functools import lru_cache

from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError
from django.utils import timezone

from core.slugs import slug_from_export, slugify, validate_slug

MAX_SLUG_LENGTH = 200

_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
# Markup, entities, tabs and line breaks.
_NOT_PLAIN = re.compile(r"[<&\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BREAK = re.compile(r"<br\b[^<>]*>|</(?:p|div|li|h[1-6])\s*>", re.IGNORECASE)


def plain_line(text: str) -> str:
    """Return `text` as one line without markup: `R&amp;D <em>now</em>` becomes `R&D now`.

    WordPress stores names as HTML. Spaces inside lines, including non-breaking ones, are kept.
    """
    if not _NOT_PLAIN.search(text):
        return text.strip()
    lines = html.unescape(_TAG.sub("", text)).replace("\t", " ").splitlines()
    return " ".join(filter(None, map(str.strip, lines)))


def plain_lines(text: str) -> str:
    """Return `text` without markup, keeping its line breaks."""
    if "<" not in text and "&" not in text:
        return text.strip()
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text))).strip()


def has_markup(text: str) -> bool:
    return _TAG.search(text) is not None


def usable_slug(exported: str) -> str:
    """Return a slug that can be part of a URL here, nearly always the exported one. Empty if nothing usable is left."""
    slug = slug_from_export(exported)
    try:
        validate_slug(slug)
    except ValidationError:
        slug = slugify(slug)
    return slug[:MAX_SLUG_LENGTH]


# Called for each tag of each post, and most posts share their tags.
@lru_cache(maxsize=2**14)
def slug_key(exported: str) -> str:
    """Return a key that is the same for all spellings of a slug: `%C3%A9` and `%c3%a9`, `Two words` and `two-words`."""
    return (usable_slug(exported) or slug_from_export(exported)).lower()


def language_code(exported: str) -> str:
    """Return the language code that the slug `exported` is, or an empty string if Django doesn't know it."""
    code = exported.lower()
    return code if code in LANG_INFO else ""


def aware_datetime(local: dt.datetime | None, utc: dt.datetime | None = None) -> dt.datetime | None:
    """Return the naive time `local` on this site, or else the naive time `utc`, as a UTC datetime.

    None if there is neither, or if the result is out of range.
    """
    try:
        if local is not None:
            # A value that is out of range would otherwise only fail in the database.
            return timezone.make_aware(local, timezone.get_default_timezone()).astimezone(dt.UTC)
        return checked_utc(utc.replace(tzinfo=dt.UTC)) if utc is not None else None
    except OverflowError:
        return None


def checked_utc(value: dt.datetime) -> dt.datetime:
    """Return `value` in UTC. Raises OverflowError if its local time, which pages show, is out of range."""
    timezone.localtime(value, timezone.get_default_timezone())
    return value.astimezone(dt.UTC)
