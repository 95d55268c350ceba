"""The names under which one blog is known. WordPress.com keeps the files of a blog at a host of their own."""

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

_BLOGS, _FILES = ".wordpress.com", ".files.wordpress.com"
_PORTS = {"http": ":80", "https": ":443"}


def names(hosts: Iterable[str]) -> set[str]:
    """`hosts`, and those that WordPress.com gives the same blog."""
    found = {host for host in hosts if host}
    for host in list(found):
        if host.endswith(_FILES):
            found.add(host.removesuffix(_FILES) + _BLOGS)
        elif host.endswith(_BLOGS):
            found.add(host.removesuffix(_BLOGS) + _FILES)
    return found


def own_names() -> set[str]:
    """The names of this site, those it had before among them."""
    return names([*settings.BROADSIDE_OWN_HOSTS, *settings.BROADSIDE_FORMER_HOSTS])


def host_of(address: str) -> str:
    """The host in a web `address`, with its port if that is unusual; empty if there is none."""
    try:
        parts = urlsplit(address.strip())
        return split_host(parts)
    except ValueError:
        return ""


def split_host(parts: SplitResult) -> str:
    """As `host_of`. Raises ValueError if the port is none."""
    if parts.scheme not in _PORTS or not parts.hostname:
        return ""
    port = f":{parts.port}" if parts.port else ""
    return parts.hostname.lower().rstrip(".") + port.removesuffix(_PORTS[parts.scheme])
