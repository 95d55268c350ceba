"""URLs as browsers understand them, and which of them belong to this site.

Browsers are lenient: they accept spaces inside a URL, `\\` for `/`, `https:host` for `https://host`, and URLs without a
scheme that still name another host. What matters here is what a browser will request
(https://url.spec.whatwg.org/), so a URL is normalised before it is checked.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from django.conf import settings

# Those of WordPress (wp_allowed_protocols), and two that need no server. Others than HTTP open another program, which
# browsers never do unless the reader follows the link.
ALLOWED_SCHEMES: Final = frozenset(
    {"fax", "feed", "ftp", "ftps", "geo", "gopher", "http", "https", "irc", "irc6", "ircs", "magnet", "mailto", "mms"}
    | {"news", "nntp", "rtsp", "sms", "svn", "tel", "telnet", "urn", "webcal", "xmpp"}
)

_SURROUNDING = "".join(map(chr, range(0x21)))
IGNORED_INSIDE = re.compile(r"[\t\n\r]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*+):")
# Some feed readers register `feed:https://…` and `feed://…`, which browsers can't open.
_FEED_START = re.compile(r"^(?:feed:)+", re.IGNORECASE)
_WEB_START = re.compile(r"(https?):[/\\]*", re.IGNORECASE)
_BEFORE_QUERY = re.compile(r"[^?#]*")
_HOST = re.compile(r"https?://(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::([0-9]*))?(?=[/?#]|$)", re.IGNORECASE)
_HOST_NAME = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]")


def normalise(url: str) -> str | None:
    """Return `url` in its normal form, or None if it must not be shown.

    A URL at a former host of this site (settings.BROADSIDE_FORMER_HOSTS) becomes the same path on this site.
    """
    normalised = _normalise(url)
    if normalised and settings.BROADSIDE_FORMER_HOSTS and (host := _HOST.match(normalised)):
        is_former = host[1].lower().rstrip(".") in settings.BROADSIDE_FORMER_HOSTS
        if is_former and host[2] in {None, "", "80", "443"}:
            # Two slashes at the start would name a host again.
            return "/" + normalised[host.end() :].lstrip("/")
    return normalised


# Several steps normalise the same URL.
@lru_cache(maxsize=128)
def _normalise(url: str) -> str | None:
    url = _FEED_START.sub("", IGNORED_INSIDE.sub("", url.strip(_SURROUNDING)))
    if (scheme := _SCHEME.match(url)) and scheme[1].lower() not in ALLOWED_SCHEMES:
        return None
    if scheme and scheme[1].lower() not in {"http", "https"}:
        return url
    url = _BEFORE_QUERY.sub(lambda match: match[0].replace("\\", "/"), url, count=1)
    if start := _WEB_START.match(url):
        url = f"{start[1].lower()}://{url[start.end() :]}"
    elif url.startswith("//"):
        url = f"https://{url.lstrip('/')}"
    return None if is_web(url) and not _has_possible_host(url) else url


def _has_possible_host(url: str) -> bool:
    host = _HOST.match(url)
    if not host or not _HOST_NAME.fullmatch(host[1]) or int(host[2][:6] if host[2] else "0") > 65535:
        return False
    try:
        return bool(host[1].isascii() or host[1].encode("idna"))
    except UnicodeError:
        return False


def is_web(url: str) -> bool:
    """Whether a normalised `url` names a host."""
    return url.startswith(("http://", "https://"))


def is_external(url: str) -> bool:
    """Whether following a normalised `url` leaves this site (settings.SITE_HOST)."""
    host = _HOST.match(url)
    return host is not None and host[1].lower().rstrip(".") != settings.SITE_HOST


def normalise_own(url: str) -> str | None:
    """Return `url` in its normal form if a request for it goes to this site, else None."""
    normalised = normalise(url)
    if not normalised or normalised.startswith("#") or is_external(normalised):
        return None
    return None if _SCHEME.match(normalised) and not is_web(normalised) else normalised


def file_name(url: str) -> str:
    """Return the last segment of the URL's path, decoded where that is safe, or its host if the path is empty."""
    path = _HOST.sub("", _BEFORE_QUERY.match(url)[0])  # type: ignore[index]  # always matches
    name = path.rstrip("/").rpartition("/")[2]
    decoded = unquote(name, errors="replace")
    if decoded.isprintable() and "\ufffd" not in decoded and "/" not in decoded:
        name = decoded
    if name:
        return name
    host = _HOST.match(url)
    return host[1] if host else url
