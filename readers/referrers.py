"""The host of the site from which a reader came: never more of its URL, and only hosts on the public internet."""

import re
from contextlib import suppress
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from core.http import host_of

# A name in the DNS as browsers send it, with internationalised labels in ASCII, but not an IP address.
_HOST: Final = re.compile(
    r"(?=.{4,100}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})"
)
# Labels at the beginning of a host, with and without which it is the same site.
_SAME_SITE: Final = re.compile(r"\A(?:(?:www|m|l|lm|mobile|amp|out)\.)+(?=[^.]+\.)")
# Names that exist only within a network, such as that of an organisation. Sources: RFC 6761, RFC 6762, RFC 9476.
_PRIVATE: Final = frozenset(
    (
        *("alt", "arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain"),
        *("localhost", "test"),
    )
)


def referring_host(referrer: str) -> str:
    """Return the host of another site in a `Referer` header; empty if there is none that may be counted."""
    host = ""
    with suppress(ValueError):
        parts = urlsplit(referrer)
        if parts.scheme in {"http", "https"}:
            # Browsers send ASCII, but other clients may not. UnicodeError is a ValueError.
            host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
    host = _SAME_SITE.sub("", host)
    is_known = _HOST.fullmatch(host) and host.rpartition(".")[2] not in _PRIVATE
    return host if is_known and host not in _own_hosts() else ""


def readable(host: str) -> str:
    """Return a host as people write it. An internationalised one is followed by its ASCII form."""
    with suppress(UnicodeError):
        if (name := host.encode("ascii").decode("idna")) != host:
            return f"{name} ({host})"
    return host


@cache
def _own_hosts() -> frozenset[str]:
    own = {host_of(settings.SITE_URL).partition(":")[0], *settings.ALLOWED_HOSTS, *settings.BROADSIDE_FORMER_HOSTS}
    return frozenset(_SAME_SITE.sub("", host.lstrip(".")) for host in own)
