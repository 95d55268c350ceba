"""The host names of a blog. WordPress.com serves the files of a blog from a separate host."""

from collections.abc import Iterable

from django.conf import settings

_BLOGS, _FILES = ".wordpress.com", ".files.wordpress.com"


def aliases_of(hosts: Iterable[str]) -> set[str]:
    """Return `hosts` and the hosts that WordPress.com uses for the same blogs."""
    found = {host for host in hosts if host}
    for host in list(found):
        if host.endswith(_FILES):
            found.add(host.removesuffix(_FILES) + _BLOGS)
        elif host.endswith(_BLOGS):
            found.add(host.removesuffix(_BLOGS) + _FILES)
    return found


def own_hosts() -> set[str]:
    """Return all hosts of this site, including its former ones."""
    return aliases_of([*settings.BROADSIDE_OWN_HOSTS, *settings.BROADSIDE_FORMER_HOSTS])
