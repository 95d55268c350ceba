"""The ledger of imports: which objects each run stored, and whether they have changed since, here or in the export.

Objects that an export does not contain are never deleted, because an export may cover only part of a site.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from django.db.models import Model
from django.utils import timezone

from accounts.models import User
from blog.models import Category, Redirect
from comments.models import Comment
from core.bulk import fetch_rows, insert_rows
from media.models import Document, Picture
from tags.models import Tag
from wordpress.importing.enclosures import files_of_plugins
from wordpress.importing.report import CATEGORIES, TAGS
from wordpress.models import ImportedItem, ImportJob, ImportRun, fingerprint
from wordpress.wxr.records import (
    CATEGORY,
    CO_AUTHORS,
    ENCLOSURE,
    FOOTNOTES,
    JETPACK_NOINDEX,
    MOLONGUI_AUTHOR,
    TAG,
    THUMBNAIL,
    YOAST_NOINDEX,
    Author,
    Item,
    Term,
    hides_from_search_engines,
)
from wordpress.wxr.records import Comment as ExportedComment
from wordpress.wxr.values import id_key

# Kinds of ledger rows for objects that are not items of an export.
REDIRECTS, TAG_ALIASES, FRAGMENTS, PRESERVED = "redirect", "tag alias", "fragment", "preserved"
PICTURES, DOCUMENTS = "picture", "document"
# For pages whose parent is not here yet. Their `wordpress_id` is the parent's ID in the export.
MISSING_PARENTS: Final = "missing parent"
# The same for categories. Exports refer to a parent by its slug, so `wordpress_id` is a number derived from the slug.
MISSING_CATEGORIES: Final = "missing category"

_COLUMNS = ("site", "kind", "wordpress_id", "object_pk", "fingerprint", "left_as")
# The order must not change, because fingerprints of earlier imports are stored.
_item_fields = attrgetter(
    *("title", "slug", "author", "status", "date", "date_gmt", "modified_at", "content", "excerpt"),
    *("parent", "menu_order", "sticky", "password", "comment_status"),
)
# The same applies here. For models, these are the fields that an import sets.
_FIELDS: Final[dict[type, tuple[str, ...]]] = {
    Author: ("email", "display_name", "first_name", "last_name"),
    User: ("display_name", "email", "first_name", "last_name"),
    Term: ("slug", "name", "parent", "description"),
    Category: ("name", "slug", "parent_id", "description"),
    Tag: ("name", "slug", "description"),
    ExportedComment: ("author", "email", "url", "written_at", "content", "approved", "type", "parent", "user_id"),
    Comment: ("status", "name", "email", "website", "text"),
    Picture: ("title", "alt", "caption"),
    Document: ("title",),
}
# Meta fields that are part of the fingerprint whatever their value.
_ALWAYS_COUNTED: Final = (YOAST_NOINDEX, JETPACK_NOINDEX)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The fingerprints of an item as exported and of the object as the import left it.

    `id` is the item's ID in the export; 0 if it came from another site.
    """

    exported: str
    stored: str
    id: int


class StoredTerm(NamedTuple):
    """A category or tag here, and its fingerprint as exported."""

    taxonomy: str
    slug: str
    name: str
    fingerprint: str


class Ledger:
    """The records of earlier imports of a site, and those that `run` adds."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self._site = run.site
        self._new: list[tuple[Any, ...]] = []
        self._updated: list[tuple[Any, ...]] = []

    def recorded(self, kind: str, pks: Iterable[int]) -> dict[int, Recorded]:
        """Return the records of the objects of a kind with these IDs."""
        columns = ("object_pk", "fingerprint", "left_as", "wordpress_id", "site")
        found = fetch_rows(ImportedItem, "object_pk", pks, *columns, kind=kind)
        return {
            pk: Recorded(exported, stored, wordpress_id if site == self._site else 0)
            for pk, exported, stored, wordpress_id, site in found
        }

    def exported_ids(self, kind: str, wordpress_ids: Iterable[int]) -> dict[int, int]:
        """Return those of these IDs that exports of the site gave to objects here, by the IDs of the objects."""
        columns = ("object_pk", "wordpress_id")
        return dict(fetch_rows(ImportedItem, "wordpress_id", wordpress_ids, *columns, kind=kind, site=self._site))

    def stored_terms(self) -> Iterator[StoredTerm]:
        """Yield the categories and tags here that exports of the site contained."""
        for kind, taxonomy, model in ((CATEGORIES, CATEGORY, Category), (TAGS, TAG, Tag)):
            rows = ImportedItem.objects.filter(site=self._site, kind=kind)
            fingerprints = dict(rows.values_list("object_pk", "fingerprint"))
            for pk, slug, name in fetch_rows(model, "pk", fingerprints, "pk", "slug", "name"):
                yield StoredTerm(taxonomy, slug, name, fingerprints[pk])

    def add(
        self, kind: str, wordpress_id: int, pk: int, exported: str = "", stored: str = "", *, is_new: bool = True
    ) -> None:
        """Record an object that this run has added or, if it is not new, changed."""
        row = (self._site, kind, wordpress_id, pk, exported, stored)
        if is_new:
            self._new.append((*row, self._run.pk))
        else:
            self._updated.append(row)

    def add_redirects(self, paths: Iterable[str]) -> None:
        """Record redirects to objects that were here before this run."""
        for (pk,) in fetch_rows(Redirect, "path", paths, "pk"):
            self.add(REDIRECTS, 0, pk)

    def write(self) -> None:
        """Store the records added since the last call."""
        # There may still be rows of objects that have been deleted here.
        insert_rows(ImportedItem, (*_COLUMNS, "run"), self._new, unique=("kind", "object_pk"))
        insert_rows(ImportedItem, _COLUMNS, self._updated, unique=("kind", "object_pk"))
        self.clear()

    def clear(self) -> None:
        """Discard records that have not been stored."""
        self._new, self._updated = [], []


def begin_run(site: str, job: ImportJob | None) -> ImportRun:
    """Return the site's interrupted run, so that it is resumed, or a new run."""
    run = ImportRun.objects.filter(site=site, finished_at=None).order_by("pk").last()
    run = run or ImportRun(site=site, started_at=timezone.now())
    run.job = job
    run.save()
    return run


def finish_run(run: ImportRun) -> None:
    """Mark the run as finished, or delete it if it has added nothing."""
    run.finished_at = timezone.now()
    run.save(update_fields=["finished_at"])
    forget_if_empty(run)


def forget_if_empty(run: ImportRun) -> None:
    """Delete the run if there is nothing to undo."""
    ImportRun.objects.filter(pk=run.pk, items=None, taken_settings={}).delete()


def fingerprint_item(item: Item) -> str:
    """Return the fingerprint of an exported post or page. Its comments have their own."""
    terms = [tuple(ref) for ref in item.terms]
    meta = [value for field in (FOOTNOTES, THUMBNAIL, ENCLOSURE) for key, value in item.meta if key == field]
    # Imports used to make such items private. A new fingerprint lets the next import correct those not changed here.
    kept_public = ["public with password"] if item.password and item.status in {"publish", "future"} else []
    # Imports used to make these public.
    made_private = ["for members"] if item.is_for_members else []
    hidden = [value for key, value in item.meta if key in _ALWAYS_COUNTED or hides_from_search_engines(key, value)]
    # Imports used to leave out all authors but one.
    authors = [value for key, value in item.meta if key == MOLONGUI_AUTHOR]
    if sum(ref.taxonomy == CO_AUTHORS for ref in item.terms) > 1:
        authors.append("with co-authors")
    # Imports used to ignore such featured images.
    images = [key for name, value in item.meta if name == THUMBNAIL and (key := id_key(value))]
    files = [file.url for _key, file in files_of_plugins(item.meta)] if item.type == "post" else []
    return fingerprint(
        *_item_fields(item), terms, *meta, *kept_public, *made_private, *hidden, *authors, *images, *files
    )


def fingerprint_of(value: Author | Term | ExportedComment | Model) -> str:
    """Return the fingerprint of another exported object, or of an object here."""
    return fingerprint(*(getattr(value, name) for name in _FIELDS[type(value)]))


def fingerprint_modified(modified_at: dt.datetime) -> str:
    """Return the fingerprint of an entry, whose `modified_at` changes whenever it is saved here."""
    return fingerprint(modified_at.astimezone(dt.UTC).isoformat())
