"""Redirects from the URLs of the old site: those that name a file, a page or an ID, such as `/?p=5`.

IDs belong to one site. Where two imported sites used the same ID, it leads to what the first one had.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from django.db.models import Model

from blog.models import Entry, Redirect
from blog.models.redirect import TARGETS, add_redirects, target_name
from wordpress.bulk import fetch_rows
from wordpress.importing.report import PAGES, POSTS
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.models import Attachment, ImportedItem

_TARGET_IDS: Final = [f"{name}_id" for name in TARGETS]


def add_redirect(url: str, target: Model) -> None:
    """Redirect a URL of the old site to an entry, category, author, picture or document.

    `url` is a path or a whole URL: of a file (also at NAME.files.wordpress.com), of an attachment's page, or a
    query such as `/?cat=5`, `/?author=2`, `/?attachment_id=7`.
    """
    if key := legacy_key(url):
        add_redirects([(key, target)])


def add_missing_redirects(pairs: Iterable[tuple[str, Model]]) -> list[str]:
    """Redirect each URL of the old site to its target, except those that are redirected already.

    Return the paths that are redirected now.
    """
    targets = {key: target for url, target in pairs if (key := legacy_key(url))}
    taken = {path for (path,) in fetch_rows(Redirect, "path", targets, "path")}
    missing = {key: target for key, target in targets.items() if key not in taken}
    add_redirects(missing.items())
    return list(missing)


def add_id_redirects(site: str, targets: Mapping[int, Model]) -> list[str]:
    """Redirect the URL with an ID of `site` to its target, for each of `targets`. Return the paths that are new there.

    If an export has several entries or files with one ID, the entry that has the ID here as well keeps it.
    """
    columns = ("wordpress_id", "site")
    entries = fetch_rows(ImportedItem, "wordpress_id", targets, *columns, "object_pk", kind__in=[POSTS, PAGES])
    files = [wp_id for wp_id, other in fetch_rows(Attachment, "wordpress_id", targets, *columns) if other != site]
    redirected = {path for (path,) in fetch_rows(Redirect, "path", map(_path, files), "path")}
    taken = {wp_id for wp_id, other, pk in entries if other != site or pk == wp_id}
    taken |= {wp_id for wp_id in files if _path(wp_id) in redirected}
    free = {_path(wp_id): target for wp_id, target in targets.items() if wp_id not in taken}
    present = {path: ids for path, *ids in fetch_rows(Redirect, "path", free, "path", *_TARGET_IDS)}
    new = {path: target for path, target in free.items() if present.get(path) != _ids(target)}
    add_redirects(new.items())
    return list(new)


def entries_by_id(site: str, wordpress_ids: Iterable[int]) -> dict[int, Entry]:
    """Return the entries that had these IDs at `site`, as far as they are here, without their texts."""
    columns = ("wordpress_id", "object_pk")
    items = dict(fetch_rows(ImportedItem, "wordpress_id", wordpress_ids, *columns, site=site, kind__in=[POSTS, PAGES]))
    entries: dict[int, Entry] = Entry.objects.without_texts().in_bulk(items.values())
    return {wordpress_id: entries[pk] for wordpress_id, pk in items.items() if pk in entries}


def _ids(target: Model) -> list[int | None]:
    """Return what the columns of a redirect to `target` hold."""
    return [target.pk if name == target_name(target) else None for name in TARGETS]


def _path(wordpress_id: int) -> str:
    return f"/?p={wordpress_id}"
