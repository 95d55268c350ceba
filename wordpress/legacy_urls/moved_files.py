"""Finding files of old sites among the imported media by the various URLs that texts use for them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import batched, chain
from typing import Final

from django.db.models import Q, QuerySet

from core.http import host_of
from wordpress.legacy_urls.file_urls import FileURL, aliases_of, own_hosts, parse_file_url
from wordpress.models import Attachment

# The most paths in the condition of one query. The connection keeps the last queries, so they must not all be large.
_BATCH: Final = 400


def find_moved_files(urls: Iterable[str]) -> Mapping[str, str]:
    """Return the current URL of each of `urls` that was a file of an old site, in any size.

    The host of a URL must be one of the file's site or of this one. URLs without a host match the files of any site.
    """
    files = {url: file for url in urls if (file := parse_file_url(url)) and file.may_be_file}
    with_file = Attachment.objects.with_file().defer("caption", "description", "picture__caption")
    found = match_files(files.values(), with_file.select_related("picture", "document"), own_hosts())
    return {url: attachment.file_url for url, file in files.items() if (attachment := found.get(file))}


def match_files(
    files: Iterable[FileURL], attachments: QuerySet[Attachment], hosts: Collection[str]
) -> dict[FileURL, Attachment]:
    """Return which of `attachments` each file is, as far as it is one of them. Takes one query per 400 paths.

    `hosts` are those of the site, in addition to those of the attachments themselves.
    """
    keys = {file: file.keys for file in files}
    # By path and host, and by path alone those that are a site's own: thousands of sites can have a `/logo.png`.
    by_host: defaultdict[tuple[str, str], list[Attachment]] = defaultdict(list)
    of_sites: dict[str, Attachment] = {}
    for paths in batched(dict.fromkeys(chain.from_iterable(keys.values())), _BATCH, strict=False):
        wanted = set(paths)
        for attachment in attachments.filter(Q(path__in=paths) | Q(former_path__in=paths)).order_by("pk"):
            own_hosts = _hosts_of(attachment)
            for path in {attachment.path, attachment.former_path} & wanted:
                for host in own_hosts:
                    by_host[path, host].append(attachment)
                if not attachment.on_other_host:
                    of_sites.setdefault(path, attachment)
    found = {}
    for file, its_keys in keys.items():
        is_of_site = not file.host or file.host in hosts
        on_host = (each for key in its_keys for each in by_host.get((key, file.host), ()) if _can_be(file, each))
        of_site = (of_sites[key] for key in its_keys if is_of_site and key in of_sites)
        if chosen := next(chain(on_host, of_site), None):
            found[file] = chosen
    return found


def _hosts_of(attachment: Attachment) -> set[str]:
    """Return the hosts on which the file was: those of its URLs, and if it is a site's own that of the site."""
    urls = [attachment.url, attachment.guid, *([] if attachment.on_other_host else [attachment.site])]
    return aliases_of(map(host_of, urls))


def _can_be(file: FileURL, attachment: Attachment) -> bool:
    """Return whether `attachment`, which has the path and host of `file`, is this file."""
    # On other sites, a query can choose any file.
    return not (attachment.on_other_host and file.query) or file.key in {attachment.path, attachment.former_path}
