"""Fields for the options of blocks: texts, links, and numbers of items."""

from collections.abc import Sequence, Sized
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

_MAX_TEXT: Final = 2_000
_MAX_COUNT: Final = 60
MAX_LINKS: Final = 100
MAX_LENGTH: Final = 10_000
# How much of a line messages show, in characters.
MAX_SHOWN: Final = 100
_SCHEMES: Final = frozenset({"http", "https", "mailto"})


class Link(NamedTuple):
    title: str
    url: str


def read_links(text: str) -> Sequence[Link]:
    """Return the links in a text that LinksField has validated."""
    return [Link(title.strip() or url, url) for title, url in map(split_link, text.splitlines()) if url]


def split_link(line: str) -> tuple[str, str]:
    """Return the text and the URL of a line."""
    title, _space, url = line.strip().rpartition(" ")
    return title, url


def is_link(url: str) -> bool:
    """Return whether this URL is safe to link to: a path on this site, or a URL with a harmless scheme."""
    if url.startswith("/"):
        return not url.startswith(("//", "/\\"))
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.netloc or (parts.scheme == "mailto" and parts.path))


def link_lines(text: str, limit: int) -> list[str]:
    """Return the lines of a text. Raises ValidationError with a message for each that doesn't end with a URL."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    check_count(lines, limit)
    if errors := [url_error(line) for line in lines if not is_link(split_link(line)[1])]:
        raise ValidationError(errors)
    return lines


def check_count(lines: Sized, limit: int) -> None:
    """Raise ValidationError if there are more lines than this."""
    if len(lines) > limit:
        raise ValidationError(gettext("There can be %d links at most.") % limit)


def url_error(line: str) -> str:
    """Return the message about a line that doesn't end with a URL."""
    message = gettext("“%(line)s” doesn't end with a URL that begins with https://, http://, mailto: or /.")
    return message % {"line": line[:MAX_SHOWN]}


class MarkdownField(forms.CharField):
    """A text in Markdown."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 4, "dir": "auto"})
        label = _("Text in Markdown")
        super().__init__(label=label, required=False, initial="", max_length=_MAX_TEXT, widget=widget, **kwargs)


class CountField(forms.IntegerField):
    """The number of items to show."""

    def __init__(self, initial: int, *, least: int = 1, label: Any = "") -> None:
        super().__init__(label=label or _("How many"), min_value=least, max_value=_MAX_COUNT, initial=initial)


class LinksField(forms.CharField):
    """Links, one per line, each with its text before its URL."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 5, "dir": "auto", "spellcheck": "false"})
        text = _("One link per line: its text, then its URL, as in: The archive of songs https://example.org/")
        super().__init__(required=False, initial="", max_length=MAX_LENGTH, widget=widget, help_text=text, **kwargs)

    def clean(self, value: Any) -> str:
        return "\n".join(link_lines(super().clean(value), MAX_LINKS))
