"""Removing what must never be logged or reported: IP addresses, e-mail addresses, queries, values of rows.

It errs on the side of removing too much. Everything takes linear time in the length of the text.
"""

import re
import traceback
from typing import Final

IP_ADDRESS: Final = "[IP address]"
EMAIL_ADDRESS: Final = "[e-mail address]"
QUERY: Final = "[query]"
# The most frames of a traceback, from where the error was raised.
_MAX_FRAMES: Final = 40
# In characters. Longer text is cut off, because it says nothing more.
_MAX_LENGTH: Final = 20_000

_IPV4: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3,}")
_HEX_AND_COLONS: Final = re.compile(r"[0-9A-Fa-f:]{3,}")
_IPV6_COLONS: Final = 6
_QUERY: Final = re.compile(r"\?\S+")
# What may be an e-mail address, or a URL with a password. Some local parts are quoted (RFC 5322).
_WORD: Final = re.compile(r"[^\s<>\"(),;\\\[\]]+")
_QUOTED_LOCAL_PART: Final = re.compile(r'"[^"\n]{1,64}"@')
# What a database adds to its errors, which contains values. Source: PostgreSQL, "Error and Notice Message Fields".
_DATABASE_FIELDS: Final = re.compile(r"\b(?:DETAIL|CONTEXT|STATEMENT|QUERY|PARAMETERS|LINE \d+):.*", re.DOTALL)
# Including lone surrogates, which UTF-8 can't encode.
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Where the message of an error starts to quote a value.
_VALUE: Final = re.compile(r"(?<!\w)b?['\"“‘«({<`]")


def scrub(text: str) -> str:
    """Return `text` without IP addresses, e-mail addresses, queries of URLs, and what a database adds to its errors."""
    text = _DATABASE_FIELDS.sub("", text[:_MAX_LENGTH])
    text = _QUOTED_LOCAL_PART.sub("@@", text)
    text = _WORD.sub(_without_email_address, text)
    text = _QUERY.sub(f"?{QUERY}", text)
    text = _IPV4.sub(IP_ADDRESS, text)
    return _HEX_AND_COLONS.sub(_without_ipv6_address, text)


def describe(error: BaseException) -> str:
    """Return the class of an error, and its message up to the first value that it quotes.

    Messages quote what was typed (“invalid literal for int(): 'words'”), or whole rows (PostgreSQL's DETAIL). For an
    error of PostgreSQL, its code and the names of the table, column and constraint follow.
    """
    name = type(error).__qualname__
    try:
        line = shorten(str(error))
    except Exception:  # noqa: BLE001  an error that can't be written must not keep others from being logged
        line = ""
    diagnosis = getattr(error, "diag", None) or getattr(error.__cause__, "diag", None)
    fields = ("sqlstate", "table_name", "column_name", "constraint_name")
    known = [str(value) for field in fields if (value := getattr(diagnosis, field, None))]
    suffix = f" ({', '.join(known)})" if known else ""
    return f"{name}: {line}{suffix}" if line else f"{name}{suffix}"


def shorten(message: str) -> str:
    """Return the message of an error up to the first value that it quotes."""
    line = message.strip().partition("\n")[0][:_MAX_LENGTH]
    if value := _VALUE.search(line):
        line = f"{line[: value.start()]}…"
    return escape_controls(scrub(line))


def escape_controls(text: str) -> str:
    """Return `text` with line breaks, which could forge another message, and other control characters escaped."""
    return _CONTROLS.sub(lambda match: repr(match[0])[1:-1], text)


def describe_with_traceback(error: BaseException) -> str:
    """Return an error and its causes, each with the lines of code that raised it, but no values."""
    parts: list[str] = []
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        frames = traceback.format_list(traceback.extract_tb(each.__traceback__, limit=-_MAX_FRAMES))
        head = "Traceback (most recent call last):\n" if frames else ""
        parts.append(f"{head}{''.join(frames)}{describe(each)}")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\n\nwhich led to:\n\n".join(reversed(parts))


def _without_email_address(match: re.Match[str]) -> str:
    word = match[0]
    # A single @ in front is a decorator in a line of code.
    return EMAIL_ADDRESS if "@" in word[1:] or "%40" in word else word


def _without_ipv6_address(match: re.Match[str]) -> str:
    run = match[0]
    # An address has eight groups, or `::` in place of some. The last two may be written as an IPv4 address.
    return IP_ADDRESS if "::" in run or run.count(":") >= _IPV6_COLONS else run
