"""Finding the files of old sites in the media library by the various URLs that texts use for them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q

from blog.models.redirect import normalise_path
from core.http import host_of, split_host
from media.file_types import FILE_TYPES
from wordpress.legacy_urls.hosts import aliases_of, own_hosts
from wordpress.legacy_urls.query_forms import PICTURE_EXTENSIONS, legacy_key, size_variants
from wordpress.models import Attachment

# Folders in which WordPress and similar systems store uploads. Elsewhere, only files on our own hosts are looked up,
# because most URLs lead to other sites.
_UPLOADS = re.compile(r"/(?:wp-content|blogs\.dir|uploads|files|media|images?|assets)/")
_EXTENSIONS = PICTURE_EXTENSIONS | FILE_TYPES.keys()
# The image proxies of WordPress.com serve pictures as `i0.wp.com/HOST/PATH`.
_PROXIES = {"i0.wp.com", "i1.wp.com", "i2.wp.com", "i3.wp.com"}


def find_moved_files(urls: Iterable[str]) -> Mapping[str, str]:
    """Return the URL here of each of `urls` that was a file of an old site, in any size. Takes one query.

    If a URL names a host, it must be a host of the file's site or of this one. Paths match the files of any site.
    """
    wanted = {url: found for url in urls if (found := _host_and_paths(url))}
    all_paths = {path for _host, paths in wanted.values() for path in paths}
    if not all_paths:
        return {}
    known = Attachment.objects.with_file().filter(Q(path__in=all_paths) | Q(former_path__in=all_paths))
    known = known.defer("caption", "description", "picture__caption").select_related("picture", "document")
    by_path: dict[str, list[Attachment]] = {}
    for attachment in known.order_by("pk"):
        for path in {attachment.path, attachment.former_path}:
            by_path.setdefault(path, []).append(attachment)
    moved = {}
    for url, (host, paths) in wanted.items():
        candidates = [each for path in paths for each in by_path.get(path, ())]
        chosen = _first_of_host(host, candidates)
        if chosen is not None:
            moved[url] = chosen.file_url
    return moved


def _host_and_paths(url: str) -> tuple[str, list[str]] | None:
    """Return the host of `url` (empty for a path) and the paths under which its file may be stored, if it has one."""
    try:
        parts = urlsplit(url)
        host = split_host(parts)
    except ValueError:
        return None
    is_own_media = parts.path.startswith(settings.MEDIA_URL) and (not host or host in settings.BROADSIDE_OWN_HOSTS)
    if is_own_media or not (
        host in _PROXIES or host.endswith(".files.wordpress.com") or _may_be_upload(host, parts.path)
    ):
        return None
    if host in _PROXIES:
        host, _slash, path = parts.path.lstrip("/").partition("/")
        url = f"https://{host}/{path}"
    key = normalise_path(legacy_key(url))
    # The URLs of scripts and of queries are not files.
    return (host.lower(), size_variants(key)) if key.startswith("/") and not key.startswith("/?") else None


def _may_be_upload(host: str, path: str) -> bool:
    if _UPLOADS.search(path):
        return True
    is_in_folder = path.count("/") > 1
    return is_in_folder and PurePath(path).suffix.lower() in _EXTENSIONS and (not host or host in own_hosts())


def _first_of_host(host: str, candidates: list[Attachment]) -> Attachment | None:
    """Return the first candidate whose site has this host. If the host is ours, or there is none, any site will do."""
    for attachment in candidates:
        if host in aliases_of(map(host_of, (attachment.site, attachment.url, attachment.guid))):
            return attachment
    return candidates[0] if candidates and (not host or host in own_hosts()) else None
