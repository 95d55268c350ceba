"""Returning a submission that could not be processed, in a form that sends it again (`_sent.html`)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.http import HttpRequest
from django.utils.http import escape_leading_slashes
from django.utils.text import capfirst
from django.utils.translation import gettext

from core.origin import comes_from_here

# Names of fields whose values are never shown. They have to be entered again.
_SECRET: Final = re.compile(r"pass(word|phrase|code)[0-9]?$|^(code|otp)$")
# Names of our own hidden fields, which no one fills in: the CSRF token, and versions (core.versioned_form).
_OURS: Final = re.compile(r"^csrfmiddlewaretoken$|(^|-)version$")
# Labels that differ from the names of their fields.
_LABELS: Final = {"source": "text"}
# A value of several words, or longer than this, is typed text. All other values go into hidden fields.
_LINE: Final = 60
# What a script has calculated, such as a proof of work: no one types so long a word.
_TOKEN: Final = re.compile(rf"[\w+/=-]{{{_LINE + 1},}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SentField:
    """A field of a form as it was sent. The value of a `file` is its name; that of a `secret` is left out."""

    name: str
    value: str
    kind: Literal["text", "hidden", "secret", "file"]

    @property
    def label(self) -> str:
        """The name of the field without a number, translated if it happens to be one of the site's messages."""
        words = [part for part in self.name.split("-") if not part.isdecimal()] or [self.name]
        name = _LABELS.get(words[-1], words[-1].replace("_", " "))
        translated = gettext(name)
        return capfirst(translated if translated != name else gettext(capfirst(name)))

    @property
    def rows(self) -> int:
        """The height of its text area in lines."""
        return min(max(sum(1 + len(line) // _LINE for line in self.value.split("\n")), 2), 16)


def sent_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context for `_sent.html`. A form that another site sent is not shown."""
    fields = list(_fields(request)) if request.method == "POST" and comes_from_here(request) else []
    return {
        "sent": fields,
        "sent_to": escape_leading_slashes(request.get_full_path()),
        "sent_files": any(field.kind == "file" for field in fields),
    }


def copy_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context for `_sent.html` with the typed texts, to be copied but not sent again."""
    texts = [field for field in sent_context(request)["sent"] if field.kind == "text"]
    return {"sent": texts, "sent_to": "", "sent_files": False}


def _fields(request: HttpRequest) -> Iterable[SentField]:
    try:
        # The body may not have been read until now.
        texts, files = request.POST, request.FILES
    except Exception:  # noqa: BLE001  whatever is wrong with it, there is nothing to return
        return
    for name, values in texts.lists():
        yield from (_field(name, str(value)) for value in values)
    for name, uploads in files.lists():
        yield SentField(name, ", ".join(str(upload.name) for upload in uploads), "file")


def _field(name: str, value: str) -> SentField:
    # The CSRF token is returned as it was sent. A new one would turn a forged form into a valid one.
    if _SECRET.search(name.lower()):
        return SentField(name, "", "secret" if value else "hidden")
    is_text = len(value) > _LINE or len(value.split()) > 1
    is_ours = _OURS.search(name) or _TOKEN.fullmatch(value)
    return SentField(name, value, "text" if is_text and not is_ours else "hidden")
