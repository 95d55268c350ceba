"""URLs of one pattern, made many times for a page."""

from typing import Final
from urllib.parse import quote

from django.urls import get_script_prefix, reverse
from django.utils.http import RFC3986_SUBDELIMS

# What `reverse` leaves as it is.
_SAFE: Final = f"{RFC3986_SUBDELIMS}/~:@"


class URLTemplate:
    """Makes the URLs of the view `name` as `reverse` does, but looks its pattern up only once.

    `samples` are arguments that the pattern accepts, which differ from each other and from the rest of the URL.
    """

    def __init__(self, name: str, *samples: str) -> None:
        self._name, self._samples = name, samples
        self._formats: dict[str, str] = {}

    def __call__(self, *arguments: str) -> str:
        """Return the URL with these arguments, which the caller knows to fit the pattern."""
        prefix = get_script_prefix()
        url_format = self._formats.get(prefix) or self._formats.setdefault(prefix, self._format())
        return url_format % tuple([quote(argument, safe=_SAFE) for argument in arguments])

    def _format(self) -> str:
        url = reverse(self._name, args=self._samples).replace("%", "%%")
        for sample in self._samples:
            url = url.replace(sample, "%s", 1)
        return url
