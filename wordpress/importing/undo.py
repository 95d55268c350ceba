"""Undoing an import: removing what one run added, in short transactions.

What was changed here since, or what others depend on, stays. It can be interrupted and repeated. What the run updated
was here before and stays as it is.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final, TextIO

from django.conf import settings
from django.db.models import ForeignObjectRel, Model
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from blog.models import Category, Entry, Redirect
from comments.models import Comment
from comments.moderation.counting import recount_all
from media.models import Document, Picture
from tags.models import Tag, TagAlias, TaggedPost
from wordpress.bulk import fetch_rows
from wordpress.fingerprints import fingerprint
from wordpress.importing.analysis import Progress
from wordpress.importing.exclusive import only_import
from wordpress.importing.ledger import (
    DOCUMENTS,
    FRAGMENTS,
    PICTURES,
    REDIRECTS,
    TAG_ALIASES,
    fingerprint_modified,
    fingerprint_upload,
)
from wordpress.importing.pacing import Pacer
from wordpress.importing.report import ATTACHMENTS, AUTHORS, CATEGORIES, COMMENTS, PAGES, POSTS, TAGS, write_json
from wordpress.importing.report_log import Remark, Remarks, summarise
from wordpress.importing.steps.authors import fingerprint_user
from wordpress.importing.steps.categories import fingerprint_category
from wordpress.importing.steps.comments import fingerprint_stored_comment
from wordpress.importing.steps.featured_images import FEATURED_IMAGES
from wordpress.importing.steps.tags import fingerprint_tag
from wordpress.models import Attachment, Fragment, ImportedItem, ImportRun

_BATCH: Final = 100
# How many comments one transaction deletes, with all that belongs to them.
_MAX_COMMENTS: Final = 500


@dataclass(slots=True)
class UndoReport:
    """How many objects of each kind were removed, and why others stay."""

    removed: Counter[str] = field(default_factory=Counter)
    kept: Remarks = field(default_factory=Remarks)

    def summary(self) -> dict[str, Any]:
        """Return the report as JSON types, with the remarks grouped."""
        return {"removed": self.removed, "kept": asdict(summarise(self.kept))}

    def write(self, file: TextIO) -> None:
        """Write the whole report as JSON."""
        write_json(file, {"removed": self.removed}, kept=self.kept)


def undo_run(run: ImportRun, progress: Progress | None = None) -> UndoReport:
    """Remove what `run` added. A run of which nothing is left is forgotten. Raises AlreadyRunningError."""
    with only_import():
        if run.finished_at is None:
            # So that the next import does not continue it.
            run.finished_at = timezone.now()
            run.save(update_fields=["finished_at"])
        undo = _Undo(run, progress)
        undo.run_all()
        ImportRun.objects.filter(pk=run.pk, items=None).delete()
    return undo.report


type _Rows = Sequence[ImportedItem]


class _Undo:
    def __init__(self, run: ImportRun, progress: Progress | None) -> None:
        self.run = run
        self.report = UndoReport()
        self._progress = progress
        self._pacer = Pacer()
        self._total = run.items.count()
        self._done = 0

    def run_all(self) -> None:
        # What refers to others goes before them, and children go before their parents.
        for rows in self._batches(POSTS):
            self._remove_most_comments(rows)
            self._in_transaction(self._remove_entries, rows)
        for rows in self._deepest_first(PAGES, Entry):
            self._remove_most_comments(rows)
            self._in_transaction(self._remove_entries, rows)
        for rows in self._deepest_first(CATEGORIES, Category):
            self._in_transaction(self._remove_categories, rows)
        shown = _files_shown() if self._rows(PICTURES, DOCUMENTS).exists() else set()
        removers: dict[str, Callable[[_Rows], None]] = {
            COMMENTS: self._remove_comments,
            FEATURED_IMAGES: self._remove_rows,
            TAG_ALIASES: partial(self._remove_unchecked, TagAlias),
            TAGS: self._remove_tags,
            REDIRECTS: partial(self._remove_unchecked, Redirect),
            PICTURES: partial(self._remove_uploads, Picture, shown),
            DOCUMENTS: partial(self._remove_uploads, Document, shown),
            ATTACHMENTS: self._remove_attachments,
            FRAGMENTS: self._remove_fragments,
            AUTHORS: self._remove_authors,
        }
        for kind, remove in removers.items():
            for rows in self._batches(kind):
                self._in_transaction(remove, rows)

    # Batches

    def _rows(self, *kinds: str) -> Any:
        return self.run.items.filter(kind__in=kinds).order_by("pk")

    def _batches(self, kind: str) -> Iterator[_Rows]:
        last = 0
        while rows := list(self._rows(kind).filter(pk__gt=last)[:_BATCH]):
            last = rows[-1].pk
            yield rows

    def _deepest_first(self, kind: str, model: type[Entry | Category]) -> Iterator[_Rows]:
        """Yield rows one by one, so that each parent is looked at when its children are gone."""
        paths = dict(fetch_rows(model, "pk", (row.object_pk for row in self._rows(kind)), "pk", "path"))
        for row in sorted(self._rows(kind), key=lambda row: -(paths.get(row.object_pk) or "").count("/")):
            yield [row]

    def _in_transaction(self, remove: Callable[[_Rows], None], rows: _Rows) -> None:
        with self._pacer.transaction():
            remove(rows)
        if self._progress:
            self._progress("undoing", min(self._done, self._total), self._total)

    def _keep(self, row: ImportedItem, title: str, reason: str) -> None:
        self.report.kept.add(Remark(row.kind, row.object_pk, title[:100], reason))
        self._done += 1

    def _removed(self, kind: str, rows: Sequence[ImportedItem]) -> None:
        self._remove_rows(rows)
        self.report.removed[kind] += len(rows)

    def _remove_rows(self, rows: _Rows) -> None:
        ImportedItem.objects.filter(pk__in=[row.pk for row in rows]).delete()
        self._done += len(rows)

    def _check(
        self, rows: _Rows, objects: dict[int, Any], title: Callable[[Any], str], reason: Callable[[Any, str], str]
    ) -> list[ImportedItem]:
        """Return the rows whose objects can be removed. Rows of objects that are gone already are removed here."""
        self._remove_rows([row for row in rows if row.object_pk not in objects])
        removable = []
        for row in rows:
            if row.object_pk in objects:
                found = objects[row.object_pk]
                if text := reason(found, row.left_as):
                    self._keep(row, title(found), text)
                else:
                    removable.append(row)
        return removable

    # Kinds

    def _remove_most_comments(self, rows: _Rows) -> None:
        """Remove comments of entries that go, until they are few enough to go with these in one transaction."""
        while True:
            with self._pacer.transaction():
                going = [pk for pk, reason in self._reasons_to_stay(rows).items() if not reason]
                comments = Comment.objects.filter(entry__in=going).order_by("-pk").values_list("pk", flat=True)
                pks = list(comments[: _MAX_COMMENTS + 1])
                if len(pks) <= _MAX_COMMENTS:
                    return
                self._delete_comments(pks[:_MAX_COMMENTS])

    def _remove_entries(self, rows: _Rows) -> None:
        reasons = self._reasons_to_stay(rows)
        entries: dict[int, Entry] = Entry.objects.without_texts().in_bulk(reasons)
        removable = self._check(rows, entries, str, lambda entry, left_as: reasons[entry.pk])
        going = [row.object_pk for row in removable]
        self._delete_comments(list(Comment.objects.filter(entry__in=going).values_list("pk", flat=True)))
        ImportedItem.objects.filter(kind=FEATURED_IMAGES, object_pk__in=going).delete()
        Entry.objects.filter(pk__in=going).delete()
        self._removed(rows[0].kind, removable)

    def _reasons_to_stay(self, rows: _Rows) -> dict[int, str]:
        """Lock posts or pages and return for each why it stays; empty if it does not."""
        left_as = {row.object_pk: row.left_as for row in rows}
        locked = Entry.objects.filter(pk__in=left_as).order_by("pk").select_for_update()
        written_here = Comment.objects.filter(entry__in=left_as, is_imported=False)
        discussed = set(written_here.values_list("entry_id", flat=True))
        parents = set(Entry.objects.filter(parent__in=left_as).values_list("parent_id", flat=True))
        reasons = {}
        for pk, modified_at in locked.values_list("pk", "modified_at"):
            reasons[pk] = ""
            if fingerprint_modified(modified_at) != left_as[pk]:
                reasons[pk] = _edited()
            elif pk in discussed:
                reasons[pk] = _("Readers have commented on it here.")
            elif pk in parents:
                reasons[pk] = _("A page below it stays.")
        return reasons

    def _remove_comments(self, rows: _Rows) -> None:
        """Remove comments on entries that were here before. An entry of the run that stays keeps its comments."""
        pks = [row.object_pk for row in rows]
        comments = Comment.objects.select_for_update().order_by("pk").in_bulk(pks)
        entries = {comment.entry_id for comment in comments.values()}
        own = set(self._rows(POSTS, PAGES).filter(object_pk__in=entries).values_list("object_pk", flat=True))
        replies = Comment.objects.filter(parent__in=pks).exclude(pk__in=self._rows(COMMENTS).values("object_pk"))
        answered = set(replies.values_list("parent_id", flat=True))

        def reason(comment: Comment, left_as: str) -> str:
            if comment.entry_id in own:
                return _("Its post or page stays.")
            if fingerprint_stored_comment(comment) != left_as:
                return _edited()
            return _("Others have replied to it.") if comment.pk in answered else ""

        removable = self._check(rows, comments, lambda comment: comment.author_name, reason)
        self._delete_comments([row.object_pk for row in removable])

    def _delete_comments(self, pks: list[int]) -> None:
        comments = Comment.objects.filter(pk__in=pks)
        entries = set(comments.values_list("entry_id", flat=True))
        comments.delete()
        recount_all(entries)
        ImportedItem.objects.filter(kind=COMMENTS, object_pk__in=pks).delete()
        self._done += len(pks)
        self.report.removed[COMMENTS] += len(pks)

    def _remove_unchecked(self, model: type[Model], rows: _Rows) -> None:
        model._default_manager.filter(pk__in=[row.object_pk for row in rows]).delete()
        self._removed(rows[0].kind, rows)

    def _remove_tags(self, rows: _Rows) -> None:
        pks = [row.object_pk for row in rows]
        used = set(TaggedPost.objects.filter(tag__in=pks).values_list("tag_id", flat=True))

        def reason(tag: Tag, left_as: str) -> str:
            return _edited() if fingerprint_tag(tag) != left_as else _("Posts have it.") if tag.pk in used else ""

        removable = self._check(rows, Tag.objects.in_bulk(pks), str, reason)
        Tag.objects.filter(pk__in=[row.object_pk for row in removable]).delete()
        self._removed(TAGS, removable)

    def _remove_categories(self, rows: _Rows) -> None:
        def reason(category: Category, left_as: str) -> str:
            if fingerprint_category(category) != left_as:
                return _edited()
            if category.children.exists():
                return _("A category below it stays.")
            return _("Posts are filed under it.") if category.posts.exists() else ""

        removable = self._check(rows, Category.objects.in_bulk([row.object_pk for row in rows]), str, reason)
        Category.objects.filter(pk__in=[row.object_pk for row in removable]).delete()
        self._removed(CATEGORIES, removable)

    def _remove_uploads(self, model: type[Picture | Document], shown: Collection[str], rows: _Rows) -> None:
        uploads: dict[int, Any] = model._default_manager.in_bulk([row.object_pk for row in rows])

        def reason(upload: Picture | Document, left_as: str) -> str:
            if fingerprint_upload(upload) != left_as:
                return _edited()
            is_used = str(upload.file.name) in shown or _is_referred_to(upload, except_by=(Attachment, Redirect))
            return _("It is in use.") if is_used else ""

        removable = self._check(rows, uploads, str, reason)
        for row in removable:
            # Deletes the file too.
            uploads[row.object_pk].delete()
        self._removed(rows[0].kind, removable)

    def _remove_attachments(self, rows: _Rows) -> None:
        attachments = Attachment.objects.in_bulk([row.object_pk for row in rows])

        def reason(attachment: Attachment, left_as: str) -> str:
            return _("Its file stays.") if attachment.picture_id or attachment.document_id else ""

        removable = self._check(rows, attachments, str, reason)
        Attachment.objects.filter(pk__in=[row.object_pk for row in removable]).delete()
        self._removed(ATTACHMENTS, removable)

    def _remove_fragments(self, rows: _Rows) -> None:
        def reason(fragment: Fragment, left_as: str) -> str:
            return "" if fingerprint(fragment.title, fragment.text) == fragment.exported else _edited()

        removable = self._check(rows, Fragment.objects.in_bulk([row.object_pk for row in rows]), str, reason)
        Fragment.objects.filter(pk__in=[row.object_pk for row in removable]).delete()
        self._removed(FRAGMENTS, removable)

    def _remove_authors(self, rows: _Rows) -> None:
        def reason(user: User, left_as: str) -> str:
            if fingerprint_user(user) != left_as or user.is_staff or user.has_usable_password():
                return _("It was changed here after the import, or someone uses it.")
            return _("Other content belongs to it.") if _is_referred_to(user, except_by=(Redirect,)) else ""

        removable = self._check(rows, User.objects.in_bulk([row.object_pk for row in rows]), str, reason)
        User.objects.filter(pk__in=[row.object_pk for row in removable]).delete()
        self._removed(AUTHORS, removable)


def _edited() -> str:
    return _("It was changed here after the import.")


def _is_referred_to(target: Model, *, except_by: Collection[type[Model]]) -> bool:
    """Return whether any row but those of some models refers to `target`."""
    relations = [
        relation
        for relation in target._meta.get_fields(include_hidden=True)
        if isinstance(relation, ForeignObjectRel) and relation.related_model not in except_by
    ]
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: target}).exists() for relation in relations
    )


def _files_shown() -> set[str]:
    """Return the names of the files that the entries show which stay."""
    name = re.compile(re.escape(settings.MEDIA_URL) + r"""([^"'<>\s?#]+)""")
    shown: set[str] = set()
    for html in (
        Entry.objects.filter(body_html__contains=settings.MEDIA_URL).values_list("body_html", flat=True).iterator(100)
    ):
        shown.update(name.findall(html))
    return shown
