"""URLs of one pattern, built many times for a page, and which URLs are the admin's or those of scripts."""

import re
from functools import cached_property
from typing import Final
from urllib.parse import quote

from django.urls import reverse
from django.utils.http import RFC3986_SUBDELIMS

# Characters that `reverse` does not escape.
_SAFE: Final = f"{RFC3986_SUBDELIMS}/~:@"
_PLAIN: Final = re.compile(r"[A-Za-z0-9/_.-]*")
_SCRIPT: Final = re.compile(r"\.(?:php[0-9]?|aspx?|cgi|jsp|pl)$", re.IGNORECASE)


class URLTemplate:
    """Builds the URLs of the view `name` as `reverse` does, but looks up its pattern only once.

    `samples` are arguments that the pattern accepts, which differ from each other and from the rest of the URL. The
    site is at the root of its host.
    """

    def __init__(self, name: str, *samples: str) -> None:
        self._name, self._samples = name, samples

    def __call__(self, *arguments: str) -> str:
        """Return the URL with these arguments, which must match the pattern."""
        return self._format % tuple([a if _PLAIN.fullmatch(a) else quote(a, safe=_SAFE) for a in arguments])

    @cached_property
    def _format(self) -> str:
        url = reverse(self._name, args=self._samples).replace("%", "%%")
        for sample in self._samples:
            url = url.replace(sample, "%s", 1)
        return url


_admin_index: Final = URLTemplate("admin:index")


def is_admin_path(path: str) -> bool:
    """Return whether this path of a URL belongs to the admin."""
    return path.startswith(_admin_index())


def is_script(path: str) -> bool:
    """Return whether this path is that of a script, as other programs have them. Their pages depend on the query."""
    return _SCRIPT.search(path) is not None
