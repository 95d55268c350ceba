"""Finding files of old sites among the imported media by the various URLs that texts use for them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import batched, chain
from typing import Final

from django.db.models import Q, QuerySet

from core.http import host_of
from wordpress.legacy_urls.file_urls import FileURL, own_hosts, parse_file_url, path_on_host, without_host
from wordpress.models import Attachment

# The maximum number of paths in one query. The connection caches recent queries, so they must not be too large.
_BATCH: Final = 400


def find_moved_files(urls: Iterable[str]) -> Mapping[str, str]:
    """Return the current URL of each of `urls` that was a file of an old site, in any size.

    The host of a URL must be one of the file's site or of this one. URLs without a host match the files of any site.
    """
    files = {url: file for url in urls if (file := parse_file_url(url)) and file.may_be_file}
    if not files:
        # Most texts have none, and building the query takes as long as rendering a short text.
        return {}
    with_file = Attachment.objects.with_file().defer("caption", "description", "picture__caption")
    found = match_files(files.values(), with_file.select_related("picture", "document"), own_hosts())
    return {url: attachment.file_url for url, file in files.items() if (attachment := found.get(file))}


def match_files(
    files: Iterable[FileURL],
    attachments: QuerySet[Attachment],
    hosts: Collection[str],
    *,
    are_hosts_final: bool = False,
) -> dict[FileURL, Attachment]:
    """Return the attachment of each of `files` that is among `attachments`. Takes one query per 400 paths.

    `hosts` are those of the site, in addition to those of the attachments themselves. `are_hosts_final` means that no
    file on `hosts` is stored as one on another host.
    """
    keys = {file: file.keys for file in files}
    keys_on_hosts = {
        file: [path_on_host(file.host, key) for key in its_keys]
        for file, its_keys in keys.items()
        if file.host and not (are_hosts_final and file.host in hosts)
    }
    paths = dict.fromkeys(chain.from_iterable((*keys.values(), *keys_on_hosts.values())))
    # By host and path, and by path alone for a site's own files.
    on_hosts: defaultdict[str, list[Attachment]] = defaultdict(list)
    of_sites: dict[str, Attachment] = {}
    for some in batched(paths, _BATCH):
        for attachment in attachments.filter(Q(path__in=some) | Q(former_path__in=some)).order_by("pk"):
            for path in {attachment.path, attachment.former_path} & set(some):
                for path_with_host in _on_its_hosts(attachment, path):
                    on_hosts[path_with_host].append(attachment)
                if not attachment.on_other_host:
                    of_sites.setdefault(path, attachment)
    found = {}
    for file, its_keys in keys.items():
        is_of_site = not file.host or file.host in hosts
        on_host = (
            each
            for key in (its_keys if file.host else ())
            for each in on_hosts.get(path_on_host(file.host, key), ())
            if _can_be(file, each)
        )
        of_site = (of_sites[key] for key in its_keys if is_of_site and key in of_sites)
        if chosen := next(chain(on_host, of_site), None):
            found[file] = chosen
    return found


def _on_its_hosts(attachment: Attachment, path: str) -> set[str]:
    """Return a stored path with each host that the file was on: those of its URLs and, for own files, the site's.

    Earlier versions stored paths on other hosts without the hosts.
    """
    if not path.startswith("/"):
        return {path}
    urls = [attachment.url, attachment.guid, *([] if attachment.on_other_host else [attachment.site])]
    return {path_on_host(host, path) for host in map(host_of, urls) if host}


def _can_be(file: FileURL, attachment: Attachment) -> bool:
    """Return whether `attachment`, which has the path and host of `file`, is this file."""
    # On other sites, the query can select a different file.
    paths = map(without_host, (attachment.path, attachment.former_path))
    return not (attachment.on_other_host and file.query) or file.key in paths
