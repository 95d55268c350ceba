"""Plain text, slugs, numbers and JSON from the values in an export."""

import html
import json
import re
from functools import lru_cache
from hashlib import blake2b
from itertools import batched
from urllib.parse import parse_qsl, urlsplit

from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError

from core.slugs import slug_from_export, slugify, validate_slug
from core.text import CONTROL

MAX_SLUG_LENGTH = 200
# Other programs export IDs of Tumblr and Blogger, with up to nineteen digits. Up to this limit, they fit into the
# integers of all databases and leave room for the IDs of new objects.
MAX_ID = 9 * 10**18
# What programs write in place of an ID that is missing. Such UUIDs consist of zeros and hyphens.
_NOT_IDS = {"-1", "none", "null", "nil", "nan", "undefined", "false"}
# The parameters with the ID of a post, page or attachment, which share one ID space.
ENTRY_FORMS = ("p", "page_id", "attachment_id")
_EMAIL = re.compile(r"(?P<name>[^\s<>()@]{1,64})@[^\s<>()@]{1,255}")
_BRACKETS = re.compile(r"[<>()]|\bmailto:")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_TAG_OR_COMMENT = re.compile(rf"{_TAG.pattern}|<!--.*?-->", re.DOTALL)
# Markup, entities, tabs, line breaks, and marks of languages.
_NOT_PLAIN = re.compile(r"[<&\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|\[:")
# The beginning of a text in a language, or its end. Source: qTranslate, qTranslate X, qTranslate-XT.
_LANGUAGE_MARK = re.compile(r"(?:\[:|<!--:)([a-z]{2})?(?:\]|-->)")
# An ampersand that is not the beginning of a complete entity.
_PARAMETER = re.compile(r"&(?!#?[A-Za-z0-9]+;)")
_BREAK = re.compile(r"<br\b[^<>]*>|</(?:p|div|li|h[1-6])\s*>", re.IGNORECASE)


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
    return "" if parse_id(text) or text.lower() in _NOT_IDS or not text.strip("{0-}") else text


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


def parse_name(text: str) -> tuple[str, str]:
    """Return the name and the e-mail address in the name of an author, such as `Jane (jane@example.org)`.

    If there is only an address, the part before the @ is the name, as readers must not see the whole.
    """
    address = _EMAIL.search(text)
    if address is None:
        return text, ""
    name = " ".join(_BRACKETS.sub(" ", _EMAIL.sub(" ", text)).split())
    return name or address["name"], address[0]


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
