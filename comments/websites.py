"""Commenters' websites, which readers see as a link, unlike e-mail addresses.

Some commenters type their e-mail address into the field for their website. WordPress turns it into a URL that looks
like any other (`http://rosa@example.org`), so it would be published.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

from core.http import host_of

# The user information and the host, with or without a scheme. Browsers read a backslash as a slash.
_AUTHORITY: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?[/\\]*([^/\\?#]*)")
_WEB_URL: Final = re.compile(r"https?://[^/\s]", re.IGNORECASE)


def has_address(website: str, email: str = "") -> bool:
    """Whether `website` contains user information, as every e-mail address does, or its author's address `email`."""
    text = unicodedata.normalize("NFKC", unquote(website)).casefold().strip()
    authority = _AUTHORITY.match(text)
    email = unicodedata.normalize("NFKC", email).casefold().strip()
    return (authority is not None and "@" in authority[1]) or (bool(email) and email in text)


def public_url(website: str, email: str) -> str:
    """Return the URL of a website if readers may see it and it is on the web, otherwise an empty string."""
    # Browsers and programs that read the page can't open a URL such as `http://[example]/`.
    is_web_url = _WEB_URL.match(website) and host_of(website)
    return website if is_web_url and not has_address(website, email) else ""
