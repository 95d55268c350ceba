"""Plain text, slugs, numbers, datetimes and JSON from the values in an export."""

import datetime as dt
import html
import json
import re
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import batched
from urllib.parse import parse_qsl, urlsplit

from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError
from django.utils import timezone

from core.slugs import slug_from_export, slugify, validate_slug
from core.text import CONTROL

MAX_SLUG_LENGTH = 200
# Other programs export IDs of Tumblr and Blogger, with up to nineteen digits. Up to this limit, they fit into the
# integers of all databases and leave room for the IDs of new objects.
MAX_ID = 9 * 10**18
# What programs write in place of an ID that is missing.
_NOT_IDS = {"", "-1", "none", "null", "nil", "nan", "undefined", "false"}
# The parameters with the ID of a post, page or attachment, which share one ID space.
ENTRY_FORMS = ("p", "page_id", "attachment_id")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_TAG_OR_COMMENT = re.compile(rf"{_TAG.pattern}|<!--.*?-->", re.DOTALL)
# Markup, entities, tabs, line breaks, and marks of languages.
_NOT_PLAIN = re.compile(r"[<&\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|\[:")
# The beginning of a text in a language, or its end. Source: qTranslate, qTranslate X, qTranslate-XT.
_LANGUAGE_MARK = re.compile(r"(?:\[:|<!--:)([a-z]{2})?(?:\]|-->)")
# An ampersand that is not the beginning of a complete entity.
_PARAMETER = re.compile(r"&(?!#?[A-Za-z0-9]+;)")
_BREAK = re.compile(r"<br\b[^<>]*>|</(?:p|div|li|h[1-6])\s*>", re.IGNORECASE)
# WordPress's databases can't store years before 1000, so anything earlier is not a date.
_DATE = re.compile(r"([1-9]\d{3})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?|$)")
# The date formats of JavaScript and RSS, which some other programs use.
_OTHER_DATE = re.compile(r"[A-Z][a-z]{2}(?: [A-Z][a-z]{2} \d\d|, \d{1,2} [A-Z][a-z]{2}) (?:19|20)\d\d \d\d:")
# The time zone that other programs write after the time, unlike WordPress.
_ZONE = re.compile(
    r":[0-9]{2}(?:\.[0-9]{1,9})?\s?(?:Z|GMT|UTC|(?:GMT|UTC)?(?P<sign>[+-])(?P<h>[01][0-9]|2[0-3]):?(?P<min>[0-5][0-9]))"
    r"(?:\s\([^()]*\))?$"
)
# WordPress writes the year -0001 if there is no date.
_RSS_DATE = re.compile(r"\s*(?:[A-Za-z]+,\s*)?\d{1,2}\s+[A-Za-z]{3}\s+(?:19|20)\d\d\s", re.ASCII)


def plain_line(text: str) -> str:
    """Return `text` as one line without markup: `R&amp;D <em>now</em>` becomes `R&D now`.

    WordPress stores names as HTML. Spaces inside lines, including non-breaking ones, are kept. A text in several
    languages contains all of them: `[:en]One[:fr]Un[:]` becomes `One / Un`.
    """
    if not _NOT_PLAIN.search(text):
        return text.strip()
    if (parts := language_parts(text)) != [("", text)]:
        return " / ".join(dict.fromkeys(plain_line(part) for _language, part in parts))
    lines = html.unescape(_without_tags(text)).replace("\t", " ").splitlines()
    return CONTROL.sub("", " ".join(filter(None, map(str.strip, lines)))).strip()


def plain_url(text: str) -> str:
    """Return the URL in `text`, which is HTML, as one line. In `?a=1&copy=2`, there is a parameter, and no entity."""
    return plain_line(_PARAMETER.sub("&amp;", text))


def plain_lines(text: str) -> str:
    """Return `text` without markup, keeping its line breaks. Its languages are separated by blank lines."""
    if not any(mark in text for mark in ("<", "&", "[:")):
        return CONTROL.sub("", text).strip()
    parts = [html.unescape(_without_tags(_BREAK.sub("\n", part))) for _language, part in language_parts(text)]
    return "\n\n".join(CONTROL.sub("", part).strip() for part in parts)


def language_parts(text: str) -> list[tuple[str, str]]:
    """Return the parts of a text in several languages with their languages, or the whole text with an empty string.

    The plugin qTranslate and its successors store such texts as `[:en]One[:fr]Un[:]`, and once used comments instead.
    """
    # Nearly all texts have no marks, and this check is fast.
    if "[:" not in text and "<!--:" not in text:
        return [("", text)]
    before, *rest = _LANGUAGE_MARK.split(text)
    if before.strip() or not any(rest[::2]):
        return [("", text)]
    return [(language or "", part) for language, part in batched(rest, 2) if part.strip()]


def has_markup(text: str) -> bool:
    return _without_tags(text) != text


def _without_tags(text: str) -> str:
    """Return `text` without tags and comments."""
    # No comment ends after the last `-->`, and searching for an end there would take quadratic time.
    head, end, rest = text.rpartition("-->")
    return _TAG_OR_COMMENT.sub("", head + end) + _TAG.sub("", rest)


# The slugs of posts in Squarespace's exports are their paths below the blog's.
_DATE_IN_SLUG = re.compile(r"\A[0-9]{4}/[0-9]{1,2}/(?:[0-9]{1,2}/)?(?=.)", re.DOTALL)


def usable_slug(exported: str) -> str:
    """Return a slug that can be part of a URL here, nearly always the exported one; empty if nothing usable is left."""
    slug = slug_from_export(exported)
    if "/" in slug:
        slug = _DATE_IN_SLUG.sub("", slug)
    try:
        validate_slug(slug)
    except ValidationError:
        slug = slugify(slug)
    return slug[:MAX_SLUG_LENGTH]


# Cached because it is called for each tag of each post, and most posts share their tags.
@lru_cache(maxsize=2**14)
def slug_key(exported: str) -> str:
    """Return a key that is the same for all spellings of a slug: `%C3%A9` and `%c3%a9`, `Two words` and `two-words`."""
    return (usable_slug(exported) or slug_from_export(exported)).lower()


def language_code(exported: str) -> str:
    """Return the language code for `exported`, such as `pt-br` for `pt_BR`; empty if Django doesn't know it."""
    code = exported.lower().replace("_", "-")
    return code if code in LANG_INFO else ""


def parse_id(text: str) -> int:
    """Return an ID, or 0 if `text` is not one."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 30 and int(text) < MAX_ID else 0


def id_key(text: str) -> str:
    """Return an ID that is not a number, such as `5c7d1a2b`; empty if it is one, or if there is none."""
    text = text.strip()
    return "" if parse_id(text) or text.strip("0").lower() in _NOT_IDS else text


def recorded_id(text: str) -> int:
    """Return the number under which imports record an ID; 0 if there is none.

    This is the ID itself or, for one that is not a number, a number above MAX_ID made from it.
    """
    key = id_key(text)
    return MAX_ID + int.from_bytes(blake2b(key.encode(), digest_size=7).digest()) if key else parse_id(text)


def id_in_url(url: str) -> int:
    """Return the post ID in a URL without a permalink, such as `https://example.org/blog/?p=5`; 0 if there is none."""
    try:
        # WordPress escapes ampersands in GUIDs twice.
        parts = urlsplit(url.replace("&#038;", "&").replace("&amp;", "&"))
    except ValueError:
        return 0
    if parts.path.rpartition("/")[2] not in {"", "index.php"}:
        return 0
    return next((parse_id(value) for name, value in parse_qsl(parts.query) if name in ENTRY_FORMS), 0)


def parse_json[Value](text: str, default: Value) -> Value:
    """Return `text` parsed as JSON if the value is of the type of `default`, otherwise `default`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return default
    return value if isinstance(value, type(default)) else default


def parse_integer(text: str) -> int:
    """Return an integer of up to nine digits, or 0."""
    match = re.fullmatch(r"\s*(-?\d{1,9})\s*", text, re.ASCII)
    return int(match[1]) if match else 0


# Cached because most records repeat the same date several times.
@lru_cache(maxsize=256)
def parse_date(text: str) -> dt.datetime | None:
    """Return the naive datetime in `text`, without converting time zones, or None."""
    text = text.strip()
    match = _DATE.match(text)
    try:
        if _OTHER_DATE.match(text):
            return parsedate_to_datetime(text).replace(tzinfo=None)
        return dt.datetime(*(int(part or 0) for part in match.groups())) if match else None  # type: ignore[arg-type]  # noqa: DTZ001  # the export has naive dates
    except ValueError:
        return None


def parse_rss_date(text: str) -> dt.datetime | None:
    """Return the naive UTC datetime of an RSS date, the only kind of date that some programs export, or None."""
    try:
        value = parsedate_to_datetime(text.strip()) if _RSS_DATE.match(text) else None
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value and value.tzinfo else value
    except (ValueError, OverflowError):
        return None


def exact_time(text: str) -> dt.datetime | None:
    """Return the UTC datetime of a date that names its time zone or UTC offset; None for any other text."""
    zone = _ZONE.search(text.strip())
    date = parse_date(text) if zone else None
    if zone is None or date is None:
        return None
    offset = dt.timedelta(hours=int(zone["h"] or 0), minutes=int(zone["min"] or 0))
    return checked_utc(date.replace(tzinfo=dt.timezone(-offset if zone["sign"] == "-" else offset)))


def aware_datetime(local: dt.datetime | None, utc: dt.datetime | None = None) -> dt.datetime | None:
    """Return the naive time `local` in this site's time zone, or else the naive time `utc`, as a UTC datetime.

    None if there is neither, or if the result is out of range.
    """
    if local is not None:
        return checked_utc(timezone.make_aware(local, timezone.get_default_timezone()))
    return checked_utc(utc.replace(tzinfo=dt.UTC)) if utc is not None else None


def checked_utc(value: dt.datetime) -> dt.datetime | None:
    """Return `value` in UTC, or None if that or the local time, which pages show, is out of range."""
    try:
        value.astimezone(timezone.get_default_timezone())
        return value.astimezone(dt.UTC)
    except OverflowError:
        return None
