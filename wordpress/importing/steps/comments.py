"""The comments of an export, with their threads."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Entry
from comments.changes import comments_changed
from comments.models import Comment, CommentKind, CommentStatus
from comments.moderation.counting import recount_all
from comments.personal_data import Erasures
from comments.text import comment_html
from comments.websites import has_address
from core.bulk import fetch_rows, insert
from wordpress.importing.context import ImportContext
from wordpress.importing.ledger import Recorded, fingerprint_of
from wordpress.importing.limits import max_length
from wordpress.importing.preserved import comment_fields, preserve
from wordpress.importing.render_worker import CommentText
from wordpress.importing.report import COMMENTS, Outcome
from wordpress.importing.steps.skipped import changed_on_both_sides, in_export_twice
from wordpress.wxr.records import Comment as ExportedComment
from wordpress.wxr.records import Item, parents_first

_STATUSES: Final = {
    "1": CommentStatus.APPROVED,
    "approve": CommentStatus.APPROVED,
    "approved": CommentStatus.APPROVED,
    "0": CommentStatus.PENDING,
    "hold": CommentStatus.PENDING,
    "spam": CommentStatus.SPAM,
    "trash": CommentStatus.TRASH,
    "post-trashed": CommentStatus.TRASH,
}
# Comments that plug-ins wrote for themselves or for staff. Readers never saw them.
_INTERNAL_TYPES: Final = {"action_log", "edd_payment_note", "note", "order_note", "webhook_delivery"}
# For comments and items without a date: always the same time, so that the next import recognises them.
_UNKNOWN_TIME: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# The fields that are updated if the export has changed.
_UPDATED: Final = ("kind", "status", "user_id", "name", "email", "website", "text", "is_html", "html", "created_at")
_MAX_LENGTHS: Final = {name: max_length(Comment, name) for name in ("name", "email", "website")}


def is_for_readers(type: str) -> bool:  # noqa: A002  # WordPress's name for it
    """Return whether WordPress showed comments of this type to readers."""
    return type not in _INTERNAL_TYPES


def comment_kind(type: str) -> CommentKind:  # noqa: A002  # WordPress's name for it
    """Return the kind of a comment of this type. Types of plug-ins (`review`, `like`) become ordinary comments."""
    if type == "webmention":
        return CommentKind.PINGBACK
    return CommentKind(type) if type in CommentKind else CommentKind.COMMENT


class Thread:
    """The comments of one entry, in parts of at most `size`. Replies are in the part of their parent or a later one.

    While a part is being imported, `accepted` and `known` are about that part.
    """

    def __init__(self, item: Item, entry: int | Entry, size: int) -> None:
        """`entry`: if it is new, else its ID."""
        self.item = item
        self.new_entry = entry if isinstance(entry, Entry) else None
        self.entry_pk: int = entry.pk if isinstance(entry, Entry) else entry
        # Those that are not imported, each with the reason.
        self.skipped: list[tuple[ExportedComment, str]] = []
        comments: dict[ExportedComment, None] = {}
        for comment in self.item.comments:
            if not is_for_readers(comment.type):
                reason = _("It is an internal note (“%s”), which readers did not see.") % comment.type
                self.skipped.append((comment, reason))
            elif comment in comments:
                self.skipped.append((comment, in_export_twice()))
            else:
                comments[comment] = None
        # Of several comments with one ID, the first counts.
        by_id = {comment.id: comment for comment in reversed(comments)}
        self.parents = {comment: by_id.get(comment.parent) if comment.parent else None for comment in comments}
        order, circular = parents_first(self.parents)
        self.parents |= dict.fromkeys(circular)
        self.parts = list(batched(comments if len(comments) <= size else order, size, strict=False)) or [()]
        # Those to import, as they are imported: without a name if the author was erased here.
        self.accepted: dict[ExportedComment, ExportedComment] = {}
        # The IDs of those that were here before, and of all that are stored or about to be.
        self.known: dict[ExportedComment, int] = {}
        self.pks: dict[ExportedComment, int] = {}
        # The IDs of all comments in earlier parts.
        self.used: set[int] = set()

    def new(self) -> list[ExportedComment]:
        return [exported for exported in self.accepted if exported not in self.known]

    def written_at(self, comment: ExportedComment) -> dt.datetime:
        """Return when a comment was written; if the export does not say it, when the entry was."""
        return comment.written_at or self.item.published_at or _UNKNOWN_TIME

    def parent_pk(self, comment: ExportedComment) -> int | None:
        parent = self.parents[comment]
        return self.pks.get(parent) if parent else None


class CommentBatch:
    """Imports one part of each thread in one transaction: `prepare`, then, when the entries are stored, `write`."""

    def __init__(
        self, context: ImportContext, threads: Sequence[Thread], html: Mapping[CommentText, str], part: int = 0
    ) -> None:
        self._context, self._report = context, context.report
        self._threads, self._part = threads, part
        # What is rendered already.
        self._html = html
        ids = {comment.id for thread in threads for comment in thread.parts[part]} - {0}
        imported_as = [(id_, pk) for id_, pks in context.ledger.pks(COMMENTS, ids).items() for pk in pks]
        # The entry, time and name of each stored comment.
        columns = ("pk", "entry_id", "created_at", "name")
        pks = [*ids, *(pk for _id, pk in imported_as)]
        self._stored = {pk: tuple(rest) for pk, *rest in fetch_rows(Comment, "pk", pks, *columns)}
        # What earlier imports stored under these IDs, by ID and entry.
        self._imported_as = defaultdict[tuple[int, int], list[int]](list)
        for id_, pk in imported_as:
            if pk in self._stored:
                self._imported_as[id_, self._stored[pk][0]].append(pk)
        # What is recorded of the comments that were here before.
        self._recorded: dict[int, Recorded] = {}
        # The IDs given to comments of this batch.
        self._used_ids: set[int] = set()
        self._new: list[Comment] = []
        self._changed: list[Comment] = []
        # The IDs of the stored entries with new or changed comments.
        self._recounted: list[int] = []

    def prepare(self) -> None:
        """Make the rows of comments that are new or have changed, and set the counts of new entries."""
        erasures = Erasures()
        without_id: list[tuple[Thread, ExportedComment]] = []
        for thread in self._threads:
            for comment, reason in thread.skipped if self._part == 0 else ():
                self._report.skip(COMMENTS, comment.id, comment.author, reason)
            thread.accepted = self._accept(thread, erasures)
            thread.known = {} if thread.new_entry else self._match(thread)
            thread.pks |= thread.known
            for exported in thread.new():
                if exported.id and exported.id not in self._stored and exported.id not in self._used_ids:
                    thread.pks[exported] = exported.id
                    self._used_ids.add(exported.id)
                else:
                    without_id.append((thread, exported))
        known = [pk for thread in self._threads for pk in thread.known.values()]
        self._recorded = self._context.ledger.recorded(COMMENTS, known)
        new_ids = self._context.new_ids.take(Comment, len(without_id))
        for (thread, exported), pk in zip(without_id, new_ids, strict=True):
            thread.pks[exported] = pk
            text = _("It has no ID in the export, so it was imported with the new ID %d.")
            if exported.id:
                text = _("Its ID was already in use, so it was imported with the new ID %d.")
            self._note(exported, text % pk)
        for thread in self._threads:
            new, changed = self._new_rows(thread), self._changed_rows(thread)
            if thread.new_entry and self._part == 0:
                thread.new_entry.comment_count = sum(row.status == CommentStatus.APPROVED for row in new)
            elif new or changed:
                self._recounted.append(thread.entry_pk)
            self._new += new
            self._changed += changed
            thread.used.update(thread.pks[exported] for exported in thread.accepted)

    def write(self) -> None:
        """Store what `prepare` made."""
        insert(self._new)
        if self._changed:
            fields = ["parent", "status_since", *(name.removesuffix("_id") for name in _UPDATED)]
            Comment.objects.bulk_update(self._changed, fields, batch_size=500)
        comments_changed([row.pk for row in (*self._new, *self._changed)])
        if self._recounted:
            recount_all(self._recounted)
        self._preserve()

    def _preserve(self) -> None:
        """Preserve what belongs to comments that imports have stored, unless their authors' addresses were removed."""
        preserved = {}
        for thread in self._threads:
            for exported, comment in thread.accepted.items():
                pk = thread.pks[exported]
                if comment is exported and (exported not in thread.known or pk in self._recorded):
                    preserved[pk] = comment_fields(comment)
        preserve(self._context, COMMENTS, "comment", preserved)

    def _accept(self, thread: Thread, erasures: Erasures) -> dict[ExportedComment, ExportedComment]:
        """Return the comments to import, as they are imported: without a name if the author was erased here."""
        accepted = {}
        for exported in thread.parts[self._part]:
            erasure = erasures.of(exported.email, thread.written_at(exported))
            if erasure is None:
                accepted[exported] = exported
            elif erasure.text_kept:
                accepted[exported] = exported._replace(author="", email="", url="", user_id=0)
            else:
                self._report.skip(COMMENTS, exported.id, "", _("Its author was erased here, with all comments."))
        return accepted

    def _match(self, thread: Thread) -> dict[ExportedComment, int]:
        """Return the IDs of the comments that are here already.

        They are recognised by ID, entry, time and name; or by what an earlier import made of the ID, or without an ID
        of the same comment; or by entry, time, name and text.
        """
        known: dict[ExportedComment, int] = {}

        def recognise(exported: ExportedComment, pks: Iterable[int]) -> None:
            """Match a comment with the first of `pks` that no other was matched with."""
            free = (pk for pk in pks if pk not in self._used_ids and pk not in thread.used)
            if exported not in known and (pk := next(free, None)):
                known[exported] = pk
                self._used_ids.add(pk)

        entry = thread.entry_pk
        keys = {
            exported: (entry, thread.written_at(exported), comment.author[: _MAX_LENGTHS["name"]])
            for exported, comment in thread.accepted.items()
        }
        for exported, key in keys.items():
            recognise(exported, [exported.id] if self._stored.get(exported.id) == key else [])
        for exported in keys:
            recognise(exported, self._imported_as.get((exported.id, entry), ()))
        if len(known) < len(keys):
            rows = Comment.objects.filter(entry=entry).order_by("pk").values_list("pk", "created_at", "name", "text")
            stored = {pk: rest for pk, *rest in rows}
            others = defaultdict[Any, list[int]](list)
            for pk, rest in stored.items():
                others[entry, *rest].append(pk)
            if not all(exported.id for exported in keys):
                for pk, recorded in self._context.ledger.recorded(COMMENTS, stored).items():
                    others[recorded.exported].append(pk)
            for exported in keys:
                recognise(exported, others.get(fingerprint_of(exported), ()))
            for exported, key in keys.items():
                recognise(exported, others.get((*key, exported.content), ()))
        return known

    def _new_rows(self, thread: Thread) -> list[Comment]:
        rows = []
        for exported in thread.new():
            comment, parent = thread.accepted[exported], thread.parent_pk(exported)
            if exported.parent and parent is None:
                self._note(exported, _("What it replies to is not among these comments, so it is at the top level."))
            row = self._row(thread, comment, thread.pks[exported], parent)
            rows.append(row)
            self._context.record(COMMENTS, comment, row, is_new=True)
        return rows

    def _changed_rows(self, thread: Thread) -> list[Comment]:
        """Return the stored comments that have changed in the export, updated unless they have changed here too.

        A comment gets its new parent, unless that would make a cycle with comments that stay as they are.
        """
        changed = {
            pk: exported
            for exported, pk in thread.known.items()
            if pk in self._recorded and self._recorded[pk].exported != fingerprint_of(thread.accepted[exported])
        }
        self._report.count(COMMENTS, Outcome.UNCHANGED, len(thread.known) - len(changed))
        rows: list[Comment] = []
        if not changed:
            return rows
        tree: dict[int, int | None] = dict(Comment.objects.filter(entry=thread.entry_pk).values_list("pk", "parent_id"))
        stored = Comment.objects.select_for_update(no_key=True).order_by("pk").in_bulk(changed)
        for pk, exported in changed.items():
            row, comment, parent = stored[pk], thread.accepted[exported], thread.parent_pk(exported)
            if fingerprint_of(row) != self._recorded[pk].stored:
                self._report.skip(COMMENTS, comment.id, comment.author, changed_on_both_sides())
                continue
            is_parent_known = parent is not None or not exported.parent
            if is_parent_known and parent != row.parent_id and not _is_reply_to(pk, tree, parent):
                row.parent_id = tree[pk] = parent
            fresh = self._row(thread, comment, pk, row.parent_id)
            if row.status != fresh.status:
                row.status_since = timezone.now()
            for name in _UPDATED:
                setattr(row, name, getattr(fresh, name))
            rows.append(row)
            self._context.record(COMMENTS, comment, row, is_new=False)
        return rows

    def _row(self, thread: Thread, comment: ExportedComment, pk: int, parent: int | None) -> Comment:
        if comment.approved not in _STATUSES:
            self._note(comment, _("Its status “%s” is unknown, so it is pending.") % comment.approved)
        if comment.type not in CommentKind:
            self._note(comment, _("It was of the type “%s”. It is an ordinary comment here.") % comment.type)
        if comment.written_at is None:
            self._note(comment, _("It has no date, so it has that of its post or page."))
        texts = {"name": comment.author, "email": comment.email, "website": comment.url}
        for name, text in texts.items():
            if len(text) > _MAX_LENGTHS[name]:
                label = Comment._meta.get_field(name).verbose_name  # type: ignore[union-attr]  # a field with a label
                self._note(comment, _("The %(field)s was too long and was shortened.") % {"field": label})
                texts[name] = text[: _MAX_LENGTHS[name]]
        if has_address(comment.url, comment.email):
            self._note(comment, _("Its website was an e-mail address or contained a username, so it was left out."))
            texts["website"] = ""
        return Comment(
            pk=pk,
            entry_id=thread.entry_pk,
            parent_id=parent,
            kind=comment_kind(comment.type),
            status=str(_STATUSES.get(comment.approved, CommentStatus.PENDING)),
            user_id=self._context.commenter_ids.get(comment.user_id),
            **texts,
            text=comment.content,
            is_html=comment.is_html,
            is_imported=True,
            html=self._html.get((comment.content, comment.is_html))
            or comment_html(comment.content, is_html=comment.is_html),
            created_at=thread.written_at(comment),
            status_since=self._context.run.started_at,
        )

    def _note(self, comment: ExportedComment, text: str) -> None:
        self._report.note(COMMENTS, comment.id, comment.author, text)


def _is_reply_to(pk: int, tree: Mapping[int, int | None], parent: int | None) -> bool:
    """Return whether `parent` is the comment `pk` or a reply to it, directly or not."""
    seen: set[int] = set()
    while parent is not None and parent not in seen:
        if parent == pk:
            return True
        seen.add(parent)
        parent = tree.get(parent)
    return False
