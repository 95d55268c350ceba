"""Addresses as browsers understand them, and which of them are this site's.

Browsers forgive much: blanks inside an address, `\\` for `/`, `https:host` for `https://host`, and an
address without a scheme that still names another host. What is judged here is what they will ask for
(https://url.spec.whatwg.org/), so an address is first brought into its plain form.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from django.conf import settings

ALLOWED_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})

OUTER = "".join(map(chr, range(0x21)))
IGNORED_INSIDE = re.compile(r"[\t\n\r]")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*+):")
WEB_START = re.compile(r"(https?):[/\\]*", re.IGNORECASE)
BEFORE_QUERY = re.compile(r"[^?#]*")
HOST = re.compile(r"https?://(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::([0-9]*))?(?=[/?#]|$)", re.IGNORECASE)
HOST_NAME = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]")


def tidy(address: str) -> str | None:
    """`address` in its plain form, or None if it is of a kind that we do not show.

    One at a former host of this site (settings.BROADSIDE_FORMER_HOSTS) is the same path here.
    """
    plain = _plain(address)
    if plain and settings.BROADSIDE_FORMER_HOSTS and (host := HOST.match(plain)):
        former = host[1].lower().rstrip(".") in settings.BROADSIDE_FORMER_HOSTS
        if former and host[2] in {None, "", "80", "443"}:
            rest = plain[host.end() :]
            # Two slashes at the start would be a host again.
            return "/" + rest.lstrip("/")
    return plain


# A body's address is looked at several times on its way.
@lru_cache(maxsize=128)
def _plain(address: str) -> str | None:
    address = IGNORED_INSIDE.sub("", address.strip(OUTER))
    if (scheme := SCHEME.match(address)) and scheme[1].lower() not in ALLOWED_SCHEMES:
        return None
    if scheme and scheme[1].lower() in {"mailto", "tel"}:
        return address
    address = BEFORE_QUERY.sub(lambda match: match[0].replace("\\", "/"), address, count=1)
    if start := WEB_START.match(address):
        address = f"{start[1].lower()}://{address[start.end() :]}"
    elif address.startswith("//"):
        address = f"https://{address.lstrip('/')}"
    return None if is_web(address) and not _has_possible_host(address) else address


def _has_possible_host(address: str) -> bool:
    """Whether a browser could ask the host of a web `address`, as far as its name tells."""
    host = HOST.match(address)
    if not host or not HOST_NAME.fullmatch(host[1]) or int(host[2][:6] if host[2] else "0") > 65535:
        return False
    try:
        return bool(host[1].isascii() or host[1].encode("idna"))
    except UnicodeError:
        return False


def is_web(address: str) -> bool:
    """Whether a tidy `address` has a host of its own."""
    return address.startswith(("http://", "https://"))


def is_external(address: str) -> bool:
    """Whether following a tidy `address` leaves this site (settings.BROADSIDE_OWN_HOSTS)."""
    host = HOST.match(address)
    return host is not None and host[1].lower().rstrip(".") not in settings.BROADSIDE_OWN_HOSTS


def own(address: str) -> str | None:
    """`address` in its plain form if asking for it asks this site, else None."""
    plain = tidy(address)
    if not plain or plain.startswith(("mailto:", "tel:", "#")) or is_external(plain):
        return None
    return plain


def file_name(address: str) -> str:
    """The last part of an address's path, readable where that is safe, else its host."""
    path = HOST.sub("", BEFORE_QUERY.match(address)[0])  # type: ignore[index]  # matches always
    name = path.rstrip("/").rpartition("/")[2]
    readable = unquote(name, errors="replace")
    if readable.isprintable() and "\ufffd" not in readable and "/" not in readable:
        name = readable
    if name:
        return name
    host = HOST.match(address)
    return host[1] if host else address
