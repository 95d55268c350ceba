"""Undoing an import: removing the objects that one run added, in short transactions.

Objects that were changed here since, or that other content depends on, stay. Objects that the run only updated were
here before and stay as they are. An undo can be interrupted and repeated.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final, TextIO

from django.db import connection, transaction
from django.db.models import Exists, ForeignObjectRel, Model, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from blog.appearance.documents import MENUS, AppearanceForm
from blog.appearance.uses import linked_ids
from blog.appearance.versions import locked_row, remove_menus
from blog.models import Category, Entry, Redirect
from comments.models import Comment
from comments.moderation.counting import recount_all
from core.bulk import batches, fetch_rows
from core.models import SiteSettings
from media.models import Document, LikePictures, Picture, Upload
from media.uses import is_used
from newsletter.models import Subscription, SubscriptionRequest
from tags.models import Tag, TagAlias, TaggedPost
from wordpress.importing import ledger, report
from wordpress.importing.analysis import Progress
from wordpress.importing.database import only_import
from wordpress.importing.steps.files import FEATURED_IMAGES
from wordpress.models import Attachment, Fragment, ImportedItem, ImportedMenu, ImportRun, PreservedData

# How many objects one transaction removes. On SQLite, others wait for it: for about 0.3 s with posts.
_BATCH: Final = 50
# How many comments one transaction deletes, along with everything that belongs to them.
_MAX_COMMENTS: Final = 500
_TREES: Final[dict[str, type[Entry | Category]]] = {report.PAGES: Entry, report.CATEGORIES: Category}

# Kinds of ledger rows about entries.
_ENTRY_KINDS: Final = (FEATURED_IMAGES, ledger.MISSING_PARENTS)


@dataclass(slots=True)
class UndoReport:
    """The number of objects removed, by kind, and the reasons why others were kept."""

    removed: Counter[str] = field(default_factory=Counter)
    kept: report.Remarks = field(default_factory=report.Remarks)

    def summary(self) -> dict[str, Any]:
        """Return the report as JSON types, with the remarks grouped."""
        return {"removed": self.removed, "kept": asdict(report.summarise(self.kept))}

    def write(self, file: TextIO) -> None:
        """Write the whole report as JSON."""
        report.write_json(file, {"removed": self.removed}, kept=self.kept)


def undo_run(run: ImportRun, progress: Progress = lambda stage, done, total: None) -> UndoReport:
    """Remove the objects that `run` added, and the run itself if none are left. Raises AlreadyRunningError."""
    with only_import():
        if run.finished_at is None:
            # So that the next import doesn't resume it.
            ledger.finish_run(run)
        undo = _Undo(run)
        undo.run_all(progress)
        ledger.forget_if_empty(run)
    # Drop kinds with a count of zero.
    undo.report.removed = +undo.report.removed
    return undo.report


type _Rows = Sequence[ImportedItem]
# Takes an object and its fingerprint as the import left it. Returns why the object stays, or an empty string.
type _Reason = Callable[[Any, str], str]


@dataclass
class _Undo:
    run: ImportRun
    report: UndoReport = field(default_factory=UndoReport)
    done: int = 0

    def run_all(self, progress: Progress) -> None:
        total = self.run.items.count()
        # First, so that the menus of the run don't keep what they link to.
        with transaction.atomic():
            self._restore_settings()
        tags = Tag.objects.annotate(is_used=Exists(TaggedPost.objects.filter(tag=OuterRef("pk"))))
        # Objects are removed before the objects that they refer to.
        removers: dict[str, Callable[[_Rows], None]] = {
            report.POSTS: self._remove_entries,
            report.PAGES: self._remove_entries,
            report.CATEGORIES: partial(
                self._remove,
                _with_followers(Category.objects.all(), "category"),
                reason=_why_category_stays,
                kind="blog:category",
            ),
            report.COMMENTS: self._remove_comments,
            **dict.fromkeys((*_ENTRY_KINDS, ledger.MISSING_CATEGORIES), self._remove_rows),
            ledger.TAG_ALIASES: partial(self._remove, TagAlias.objects.all()),
            report.TAGS: partial(self._remove, _with_followers(tags, "tag"), reason=_why_tag_stays, kind="tags:tag"),
            ledger.REDIRECTS: partial(self._remove, Redirect.objects.all()),
            ledger.PICTURES: partial(self._remove_uploads, Picture),
            ledger.DOCUMENTS: partial(self._remove_uploads, Document),
            report.ATTACHMENTS: partial(self._remove, Attachment.objects.all(), reason=_why_attachment_stays),
            ledger.PRESERVED: partial(self._remove, PreservedData.objects.all()),
            ledger.FRAGMENTS: partial(self._remove, Fragment.objects.all(), reason=_why_fragment_stays),
            report.MENUS: partial(self._remove, ImportedMenu.objects.all()),
            report.AUTHORS: partial(
                self._remove, _with_followers(User.objects.all(), "author"), reason=_why_author_stays
            ),
        }
        for kind, remove in removers.items():
            for rows in self._batches(kind):
                if kind in {report.POSTS, report.PAGES}:
                    self._remove_most_comments(rows)
                with transaction.atomic():
                    remove(rows)
                progress("undoing", min(self.done, total), total)

    def _restore_settings(self) -> None:
        """Restore the settings and menus that the run replaced, unless they have been changed since."""
        taken = self.run.taken_settings
        menus = {name: items for name, (_before, items) in taken.items() if name in MENUS}
        for name in remove_menus(menus, by=None):
            label = str(AppearanceForm.base_fields[name].label)
            self.report.kept.add(report.Remark(report.MENUS, 0, label, _edited()))
        for name, (before, after) in taken.items():
            if name in menus:
                continue
            if SiteSettings.objects.filter(pk=1, **{name: after}).update(**{name: before}):
                self.report.removed[report.SETTINGS] += 1
            else:
                self.report.kept.add(report.Remark(report.SETTINGS, 0, after[:100], _edited()))
        self.run.taken_settings = {}
        self.run.save(update_fields=["taken_settings"])

    def _rows(self, *kinds: str) -> Any:
        return self.run.items.filter(kind__in=kinds).order_by("pk")

    def _batches(self, kind: str) -> Iterator[_Rows]:
        """Yield the rows of a kind in batches; those of trees one by one, children before their parents."""
        if model := _TREES.get(kind):
            paths = dict(fetch_rows(model, "pk", (row.object_pk for row in self._rows(kind)), "pk", "path"))
            for row in sorted(self._rows(kind), key=lambda row: -(paths.get(row.object_pk) or "").count("/")):
                yield [row]
            return
        yield from batches(self._rows(kind), _BATCH)

    def _remove_rows(self, rows: _Rows) -> None:
        ImportedItem.objects.filter(pk__in=[row.pk for row in rows]).delete()
        self.done += len(rows)

    def _remove(
        self, objects: QuerySet[Any], rows: _Rows, *, reason: _Reason = lambda found, left_as: "", kind: str = ""
    ) -> None:
        """Delete the `objects` that are recorded in `rows`, unless there is a reason to keep them.

        If menus can link to them, `kind` is their kind in menus.
        """
        linked = _linked_ids(kind) if kind else set()

        def why_it_stays(found: Any, left_as: str) -> str:
            return reason(found, left_as) or (_in_use() if found.pk in linked else "")

        pks = [row.object_pk for row in rows]
        # Locked first, so that no tag, for example, is given to a post between the check and the deletion.
        locked = objects.model._default_manager.select_for_update().filter(pk__in=pks)
        list(locked.order_by("pk").values_list("pk", flat=True))
        found = objects.in_bulk(pks)
        removable = self._removable(rows, found, why_it_stays)
        if issubclass(objects.model, Upload):
            for row in removable:
                # This deletes the file too.
                found[row.object_pk].delete()
        else:
            objects.model._default_manager.filter(pk__in=[row.object_pk for row in removable]).delete()
        self._remove_rows(removable)
        self.report.removed[rows[0].kind] += len(removable)

    def _remove_uploads(self, model: type[Upload], rows: _Rows) -> None:
        _wait_for_texts(Entry.pictures.through if model is Picture else Entry.documents.through)
        # The appearance must not be given any of them between the check and the deletion either.
        locked_row()
        files = model._default_manager.filter(pk__in=[row.object_pk for row in rows])
        used = set(files.filter(is_used(model)).values_list("pk", flat=True))

        def why_it_stays(upload: Upload, left_as: str) -> str:
            if ledger.fingerprint_of(upload) != left_as:
                return _edited()
            is_in_use = upload.pk in used or _is_referred_to(upload, except_by=(Attachment, Redirect, LikePictures))
            return _in_use() if is_in_use else ""

        self._remove(files, rows, reason=why_it_stays)

    def _removable(self, rows: _Rows, objects: Mapping[int, Any], reason: _Reason) -> list[ImportedItem]:
        """Return the rows whose objects can be removed. Rows whose objects no longer exist are removed here."""
        self._remove_rows([row for row in rows if row.object_pk not in objects])
        removable = []
        for row in rows:
            if found := objects.get(row.object_pk):
                if text := reason(found, row.left_as):
                    title = found.author_name if isinstance(found, Comment) else str(found)
                    self.report.kept.add(report.Remark(row.kind, row.object_pk, title[:100], text))
                    self.done += 1
                else:
                    removable.append(row)
        return removable

    def _remove_most_comments(self, rows: _Rows) -> None:
        """Remove comments on entries that will be removed, until the remaining ones fit into one transaction."""
        while True:
            with transaction.atomic():
                removable = [pk for pk, reason in _why_entries_stay(rows).items() if not reason]
                comments = Comment.objects.filter(entry__in=removable).order_by("-pk").values_list("pk", flat=True)
                pks = list(comments[: _MAX_COMMENTS + 1])
                if len(pks) <= _MAX_COMMENTS:
                    return
                self._delete_comments(pks[:_MAX_COMMENTS])

    def _remove_entries(self, rows: _Rows) -> None:
        reasons = _why_entries_stay(rows)
        removable = [pk for pk, reason in reasons.items() if not reason]
        self._delete_comments(list(Comment.objects.filter(entry__in=removable).values_list("pk", flat=True)))
        ImportedItem.objects.filter(kind__in=_ENTRY_KINDS, object_pk__in=removable).delete()
        self._remove(Entry.objects.without_texts(), rows, reason=lambda entry, left_as: reasons[entry.pk])

    def _remove_comments(self, rows: _Rows) -> None:
        """Remove comments on entries that the run did not add. Entries of the run that stay keep their comments."""
        pks = [row.object_pk for row in rows]
        comments = Comment.objects.select_for_update().order_by("pk").in_bulk(pks)
        entries = {comment.entry_id for comment in comments.values()}
        own = set(
            self._rows(report.POSTS, report.PAGES).filter(object_pk__in=entries).values_list("object_pk", flat=True)
        )
        replies = Comment.objects.filter(parent__in=pks).exclude(pk__in=self._rows(report.COMMENTS).values("object_pk"))
        answered = set(replies.values_list("parent_id", flat=True))

        def why_it_stays(comment: Comment, left_as: str) -> str:
            if comment.entry_id in own:
                return _("Its post or page stays.")
            if ledger.fingerprint_of(comment) != left_as:
                return _edited()
            return _("Others have replied to it.") if comment.pk in answered else ""

        removable = self._removable(rows, comments, why_it_stays)
        self._delete_comments([row.object_pk for row in removable])

    def _delete_comments(self, pks: list[int]) -> None:
        comments = Comment.objects.filter(pk__in=pks)
        entries = set(comments.values_list("entry_id", flat=True))
        comments.delete()
        recount_all(entries)
        ImportedItem.objects.filter(kind=report.COMMENTS, object_pk__in=pks).delete()
        self.done += len(pks)
        self.report.removed[report.COMMENTS] += len(pks)


def _wait_for_texts(index: type[Model]) -> None:
    """Wait until texts that are being saved are in this index of files, and let others wait for this transaction.

    On SQLite, transactions that write wait for one another anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(index._meta.db_table)
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def _why_entries_stay(rows: _Rows) -> dict[int, str]:
    """Lock posts or pages, and return for each why it stays; an empty string if it doesn't."""
    left_as = {row.object_pk: row.left_as for row in rows}
    linked = _linked_ids("blog:post", "blog:page")
    entries = Entry.objects.filter(pk__in=left_as).order_by("pk").select_for_update()
    # First, so that no one comments on them between the check and the deletion.
    locked = list(entries.values_list("pk", "modified_at"))
    written_here = Comment.objects.filter(entry__in=left_as, is_imported=False)
    discussed = set(written_here.values_list("entry_id", flat=True))
    parents = set(Entry.objects.filter(parent__in=left_as).values_list("parent_id", flat=True))
    reasons = {}
    for pk, modified_at in locked:
        reasons[pk] = ""
        if ledger.fingerprint_modified(modified_at) != left_as[pk]:
            reasons[pk] = _edited()
        elif pk in discussed:
            reasons[pk] = _("Readers have commented on it here.")
        elif pk in parents:
            reasons[pk] = _("A page below it stays.")
        elif pk in linked:
            reasons[pk] = _in_use()
    return reasons


def _linked_ids(*kinds: str) -> set[int]:
    """Return the IDs of objects in use by the appearance, which is locked, so that none are added until the end."""
    locked_row()
    return linked_ids(*kinds)


def _with_followers(objects: QuerySet[Any], topic: str) -> QuerySet[Any]:
    """Annotate `objects` with whether readers follow them by e-mail. Deleting them would delete the subscriptions."""
    followed = Subscription.objects.filter(**{topic: OuterRef("pk")})
    requested = SubscriptionRequest.objects.filter(**{topic: OuterRef("pk")})
    annotated: QuerySet[Any] = objects.annotate(is_followed=Exists(followed) | Exists(requested))
    return annotated


def _why_tag_stays(tag: Any, left_as: str) -> str:
    if ledger.fingerprint_of(tag) != left_as:
        return _edited()
    if tag.is_followed:
        return _followed()
    return _("Posts have it.") if tag.is_used else ""


def _why_category_stays(category: Any, left_as: str) -> str:
    if ledger.fingerprint_of(category) != left_as:
        return _edited()
    if category.is_followed:
        return _followed()
    if category.children.exists():
        return _("A category below it stays.")
    return _("Posts are filed under it.") if category.posts.exists() else ""


def _why_attachment_stays(attachment: Attachment, _left_as: str) -> str:
    return _("Its file stays.") if attachment.picture_id or attachment.document_id else ""


def _why_fragment_stays(fragment: Fragment, _left_as: str) -> str:
    return "" if fragment.fingerprint == fragment.exported else _edited()


def _why_author_stays(user: Any, left_as: str) -> str:
    if ledger.fingerprint_of(user) != left_as or user.is_staff or user.has_credentials:
        return _("It was changed here after the import, or someone uses it.")
    if user.is_followed:
        return _followed()
    return _("Other content belongs to it.") if _is_referred_to(user, except_by=(Redirect,)) else ""


def _followed() -> str:
    return _("Readers follow it by e-mail, or have asked to.")


def _in_use() -> str:
    return _("It is in use.")


def _edited() -> str:
    return _("It was changed here after the import.")


def _is_referred_to(target: Model, *, except_by: Collection[type[Model]]) -> bool:
    """Return whether any row refers to `target`, except rows of the models `except_by`."""
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: target}).exists()
        for relation in target._meta.get_fields(include_hidden=True)
        if isinstance(relation, ForeignObjectRel) and relation.related_model not in except_by
    )
