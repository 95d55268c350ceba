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
    by_path: defaultdict[str, list[Attachment]] = defaultdict(list)
    for paths in batched(dict.fromkeys(chain.from_iterable(keys.values())), _BATCH, strict=False):
        for attachment in attachments.filter(Q(path__in=paths) | Q(former_path__in=paths)).order_by("pk"):
            for path in {attachment.path, attachment.former_path}:
                by_path[path].append(attachment)
    found = {}
    for file, its_keys in keys.items():
        if chosen := _choose(file, [attachment for key in its_keys for attachment in by_path[key]], hosts):
            found[file] = chosen
    return found


def _choose(file: FileURL, candidates: Iterable[Attachment], hosts: Collection[str]) -> Attachment | None:
    """Return the first candidate that was on the file's host, or any of a site's own if that host is empty or ours."""
    of_sites = []
    for each in candidates:
        urls = [each.url, each.guid]
        if not each.on_other_host:
            of_sites.append(each)
            urls.append(each.site)
        elif file.query and file.key not in {each.path, each.former_path}:
            # On other sites, a query can choose any file.
            continue
        if file.host in aliases_of(map(host_of, urls)):
            return each
    return of_sites[0] if of_sites and (not file.host or file.host in hosts) else None
