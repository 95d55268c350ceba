"""Finding files of old sites among the imported media by the various URLs that texts use for them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q

from blog.models.redirect import normalise_path
from core.http import host_of, split_host
from media.documents import FILE_TYPES
from wordpress.legacy_urls.query_forms import PICTURE_EXTENSIONS, legacy_key, size_variants
from wordpress.models import Attachment

# Folders in which WordPress and similar systems store uploads. In other folders, only files on our own hosts are looked
# up, because most URLs lead to other sites.
_UPLOADS = re.compile(r"/(?:wp-content|blogs\.dir|uploads|files|media|images?|assets)/")
_EXTENSIONS = PICTURE_EXTENSIONS | FILE_TYPES.keys()
_BLOGS, _FILES = ".wordpress.com", ".files.wordpress.com"
# The image proxies of WordPress.com serve pictures as `i0.wp.com/HOST/PATH`.
_PROXIES = {"i0.wp.com", "i1.wp.com", "i2.wp.com", "i3.wp.com"}


def find_moved_files(urls: Iterable[str]) -> Mapping[str, str]:
    """Return the current URL of each of `urls` that was a file of an old site, in any size. Takes one query.

    The host of a URL must be one of the file's site or of this one. URLs without a host match the files of any site.
    """
    requested = {url: parts for url in urls if (parts := _host_and_paths(url))}
    all_paths = {path for _host, paths in requested.values() for path in paths}
    if not all_paths:
        return {}
    attachments = Attachment.objects.with_file().filter(Q(path__in=all_paths) | Q(former_path__in=all_paths))
    attachments = attachments.defer("caption", "description", "picture__caption").select_related("picture", "document")
    by_path = defaultdict(list)
    for attachment in attachments.order_by("pk"):
        for path in {attachment.path, attachment.former_path}:
            by_path[path].append(attachment)
    moved = {}
    for url, (host, paths) in requested.items():
        candidates = [attachment for path in paths for attachment in by_path[path]]
        if chosen := _first_of_host(host, candidates):
            moved[url] = chosen.file_url
    return moved


def _host_and_paths(url: str) -> tuple[str, list[str]] | None:
    """Return the host of `url` (empty for a path) and the paths under which its file may be stored, or None."""
    try:
        parts = urlsplit(url)
        host = split_host(parts)
    except ValueError:
        return None
    is_own_media = parts.path.startswith(settings.MEDIA_URL) and (not host or host in settings.BROADSIDE_OWN_HOSTS)
    is_file_in_folder = parts.path.count("/") > 1 and PurePath(parts.path).suffix.lower() in _EXTENSIONS
    is_own_file = is_file_in_folder and (not host or host in own_hosts())
    if is_own_media or not (host in _PROXIES or host.endswith(_FILES) or _UPLOADS.search(parts.path) or is_own_file):
        return None
    if host in _PROXIES:
        host, _slash, path = parts.path.lstrip("/").partition("/")
        url = f"https://{host}/{path}"
    key = normalise_path(legacy_key(url))
    # URLs of scripts and queries are not files.
    return (host.lower(), size_variants(key)) if key.startswith("/") and not key.startswith("/?") else None


def _first_of_host(host: str, candidates: list[Attachment]) -> Attachment | None:
    """Return the first candidate whose site has this host, or any candidate if the host is empty or ours."""
    for each in candidates:
        if host in aliases_of(map(host_of, (each.site, each.url, each.guid))):
            return each
    return candidates[0] if candidates and (not host or host in own_hosts()) else None


def aliases_of(hosts: Iterable[str]) -> set[str]:
    """Return `hosts` and the hosts of the same blogs at WordPress.com, which has separate hosts for files."""
    aliases = set(hosts) - {""}
    for host in list(aliases):
        if host.endswith(_FILES):
            aliases.add(host.removesuffix(_FILES) + _BLOGS)
        elif host.endswith(_BLOGS):
            aliases.add(host.removesuffix(_BLOGS) + _FILES)
    return aliases


def own_hosts() -> set[str]:
    """Return all hosts of this site, including its former ones."""
    return aliases_of([*settings.BROADSIDE_OWN_HOSTS, *settings.BROADSIDE_FORMER_HOSTS])
