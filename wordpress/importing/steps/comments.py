"""The comments of an export, with their threads."""

import datetime as dt
from collections import defaultdict, deque
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import batched
from typing import Final

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
from wordpress.importing.entry_builder import unclear_date
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
# The types of comments that plugins wrote for themselves or for staff. Readers never saw them. Editorial comments are
# those of Edit Flow and PublishPress, and Sensei's are what its students achieved.
_INTERNAL_TYPES: Final = {
    *("action_log", "edd_payment_note", "editorial-comment", "note", "order_note", "webhook_delivery"),
}
_INTERNAL_PREFIX: Final = "sensei_"
# The time for comments without a date on items without one. It is fixed, so that the next import recognises them.
_UNKNOWN_TIME: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# The fields that are updated if the export has changed.
_UPDATED: Final = ("kind", "status", "user_id", "name", "email", "website", "text", "is_html", "html", "created_at")
# Replies are never nested more deeply in real threads.
_MAX_DEPTH: Final = 1000
_MAX_LENGTHS: Final = {name: max_length(Comment, name) for name in ("name", "email", "website")}


def is_for_readers(type: str) -> bool:  # noqa: A002  # WordPress's name for it
    """Return whether WordPress showed comments of this type to readers."""
    return type not in _INTERNAL_TYPES and not type.startswith(_INTERNAL_PREFIX)


def comment_kind(type: str) -> CommentKind:  # noqa: A002  # WordPress's name for it
    """Return the kind of a comment of this type. Plugins' types (`review`, `like`) become ordinary comments."""
    if type == "webmention":
        return CommentKind.PINGBACK
    return CommentKind(type) if type in CommentKind else CommentKind.COMMENT


class _StoredComments:
    """The comments that an entry had before the import. Each is matched to at most one comment of the export."""

    def __init__(self, entry: int) -> None:
        self.recorded: dict[int, Recorded] = {}
        # The parents of all comments, including those that have been added.
        self.parents: dict[int, int | None] = {}
        self.recognised: dict[ExportedComment, int] = {}
        self._entry = entry
        self._pks: set[int] = set()
        self._taken: set[int] = set()
        # The IDs of stored comments by each key that they are recognised by.
        self._by_key = defaultdict[Hashable, deque[int]](deque)
        self._has_texts = False

    def add(self, pk: int, parent: int | None, written: Iterable[Hashable], recorded: Recorded | None) -> None:
        """Add a comment. `written` is when it was written, and its author's name."""
        self._pks.add(pk)
        self.parents[pk] = parent
        self._by_key[pk, *written].append(pk)
        if recorded:
            self.recorded[pk] = recorded
            self._by_key[recorded.exported].append(pk)
            if recorded.id:
                self._by_key[recorded.id].append(pk)

    def recognise(self, keys: Mapping[ExportedComment, Hashable]) -> None:
        """Match each comment of the export that is not recognised yet to the first unmatched one with its key."""
        for exported, key in keys.items():
            left = self._by_key.get(key, deque())
            while left and exported not in self.recognised:
                if (pk := left.popleft()) not in self._taken:
                    self._taken.add(pk)
                    self.recognised[exported] = pk

    def look_up_texts(self) -> None:
        if not self._has_texts:
            rows = Comment.objects.filter(entry=self._entry).order_by("pk")
            for pk, *written in rows.values_list("pk", "created_at", "name", "text"):
                if pk in self._pks:
                    self._by_key[tuple(written)].append(pk)
        self._has_texts = True


class Thread:
    """The comments on one entry, in parts of at most `size`. Replies are in the part of their parent or a later one.

    `accepted` and `known` refer to the part being imported.
    """

    def __init__(self, item: Item, entry: int | Entry, size: int) -> None:
        """`entry` is the entry itself if it is new, otherwise its ID."""
        self.item = item
        self.new_entry = entry if isinstance(entry, Entry) else None
        self.entry_pk: int = entry.pk if isinstance(entry, Entry) else entry
        # The comments that are not imported, each with the reason.
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
        # The first of several comments with the same ID counts.
        by_id = {comment.id or comment.key: comment for comment in reversed(comments)}
        self.parents = {each: by_id.get(each.parent or each.parent_key) if each.is_reply else None for each in comments}
        order, circular = parents_first(self.parents)
        self.parents |= dict.fromkeys(circular)
        self.parts = list(batched(comments if len(comments) <= size else order, size)) or [()]
        # The comments to import, mapped to what is stored: without a name if the author was erased here.
        self.accepted: dict[ExportedComment, ExportedComment] = {}
        # The IDs of comments that were here before, and of all that are stored or about to be.
        self.known: dict[ExportedComment, int] = {}
        self.pks: dict[ExportedComment, int] = {}
        # None until the stored comments are looked up.
        self.stored: _StoredComments | None = None

    @property
    def recorded(self) -> Mapping[int, Recorded]:
        """The ledger's records of the comments that were here before."""
        return self.stored.recorded if self.stored else {}

    def new(self) -> list[ExportedComment]:
        return [exported for exported in self.accepted if exported not in self.known]

    def written_at(self, comment: ExportedComment) -> dt.datetime:
        """Return when a comment was written, or if the export doesn't say, when the entry was."""
        return comment.written_at or self.item.published_at or _UNKNOWN_TIME

    def parent_pk(self, comment: ExportedComment) -> int | None:
        parent = self.parents[comment]
        return self.pks.get(parent) if parent else None


class CommentBatch:
    """Imports one part of each thread in one transaction: `prepare`, then `write` once the entries are stored."""

    def __init__(
        self, context: ImportContext, threads: Sequence[Thread], html: Mapping[CommentText, str], part: int = 0
    ) -> None:
        self._context, self._report = context, context.report
        self._threads, self._part = threads, part
        # The comments rendered so far.
        self._html = html
        self._new: list[Comment] = []
        self._changed: list[Comment] = []
        # The IDs of the stored entries with new or changed comments.
        self._recounted: list[int] = []

    def prepare(self) -> None:
        """Build the rows of comments that are new or have changed, and set the comment counts of new entries."""
        erasures = Erasures()
        for thread in self._threads:
            for comment, reason in thread.skipped if self._part == 0 else ():
                self._report.skip(COMMENTS, comment.id, comment.author, reason)
            thread.accepted = self._accept(thread, erasures)
        self._match()
        new = [(thread, exported) for thread in self._threads for exported in thread.new()]
        pks = self._context.new_ids.assign(Comment, (exported.id for _thread, exported in new))
        for (thread, exported), pk in zip(new, pks, strict=True):
            thread.pks[exported] = pk
            if not exported.id:
                self._note(exported, _("It has no numeric ID in the export, so it got a new one."))
            elif exported.id != pk:
                self._note(exported, _("Its ID was already in use, so it was imported with the new ID %d.") % pk)
        for thread in self._threads:
            added, changed = self._new_rows(thread), self._changed_rows(thread)
            if thread.new_entry and self._part == 0:
                thread.new_entry.comment_count = sum(row.status == CommentStatus.APPROVED for row in added)
            elif added or changed:
                self._recounted.append(thread.entry_pk)
            self._new += added
            self._changed += changed

    def write(self) -> None:
        """Store the rows that `prepare` built."""
        insert(self._new)
        if self._changed:
            fields = ["parent", "status_since", *(name.removesuffix("_id") for name in _UPDATED)]
            Comment.objects.bulk_update(self._changed, fields, batch_size=500)
        comments_changed([row.pk for row in (*self._new, *self._changed)])
        if self._recounted:
            recount_all(self._recounted)
        self._preserve()

    def _preserve(self) -> None:
        """Preserve the other data of comments stored by imports, unless their authors' addresses were removed."""
        preserved = {}
        for thread in self._threads:
            for exported, comment in thread.accepted.items():
                pk = thread.pks[exported]
                if comment is exported and (exported not in thread.known or pk in thread.recorded):
                    preserved[pk] = comment_fields(comment)
        preserve(self._context, COMMENTS, "comment", preserved)

    def _accept(self, thread: Thread, erasures: Erasures) -> dict[ExportedComment, ExportedComment]:
        """Return the comments to import, mapped to what is stored: without a name if the author was erased here."""
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

    def _match(self) -> None:
        """Recognise the comments that are already here.

        They are recognised by ID, time and name; by the ID that an earlier import recorded; by the fingerprint, if the
        ID is different; or by time, name and text.
        """
        found = self._look_up({each.entry_pk for each in self._threads if not each.new_entry and each.stored is None})
        for thread in self._threads:
            stored = thread.stored = thread.stored or found.get(thread.entry_pk)
            if stored is None:
                continue
            written = {
                exported: (thread.written_at(exported), comment.author[: _MAX_LENGTHS["name"]])
                for exported, comment in thread.accepted.items()
            }
            stored.recognise({exported: (exported.id, *rest) for exported, rest in written.items()})
            stored.recognise({exported: exported.id for exported in written})
            if unknown := [exported for exported in written if exported not in stored.recognised]:
                stored.look_up_texts()
                stored.recognise({exported: fingerprint_of(exported) for exported in unknown})
                stored.recognise({exported: (*written[exported], exported.content) for exported in unknown})
            known = {exported: stored.recognised[exported] for exported in written if exported in stored.recognised}
            if self._part > 0:
                # Some may have been deleted since the first part was stored.
                here = {pk for (pk,) in fetch_rows(Comment, "pk", known.values(), "pk")}
                known = {exported: pk for exported, pk in known.items() if pk in here}
            thread.known = known
            thread.pks |= known

    def _look_up(self, entries: Collection[int]) -> dict[int, _StoredComments]:
        """Return the stored comments on these entries."""
        found = {entry: _StoredComments(entry) for entry in entries}
        columns = ("pk", "entry", "parent", "created_at", "name")
        rows = {pk: rest for pk, *rest in fetch_rows(Comment, "entry", entries, *columns)}
        recorded = self._context.ledger.recorded(COMMENTS, rows)
        for pk, (entry, parent, *written) in sorted(rows.items()):
            found[entry].add(pk, parent, written, recorded.get(pk))
        return found

    def _new_rows(self, thread: Thread) -> list[Comment]:
        rows = []
        for exported in thread.new():
            comment, parent = thread.accepted[exported], thread.parent_pk(exported)
            if exported.is_reply and parent is None:
                self._note(exported, _("What it replies to is not among these comments, so it is at the top level."))
            row = self._row(thread, comment, thread.pks[exported], parent)
            rows.append(row)
            if thread.stored:
                thread.stored.parents[row.pk] = parent
            self._context.record(COMMENTS, comment, row, is_new=True)
        return rows

    def _changed_rows(self, thread: Thread) -> list[Comment]:
        """Return the stored comments that have changed in the export, updated unless they have changed here too.

        A comment gets its new parent, unless that would form a cycle with comments that stay as they are.
        """
        changed = {
            pk: exported
            for exported, pk in thread.known.items()
            if pk in thread.recorded and thread.recorded[pk].exported != fingerprint_of(thread.accepted[exported])
        }
        self._report.count(COMMENTS, Outcome.UNCHANGED, len(thread.known) - len(changed))
        rows: list[Comment] = []
        if not changed or not thread.stored:
            return rows
        tree = thread.stored.parents
        stored = Comment.objects.select_for_update(no_key=True).order_by("pk").in_bulk(changed)
        for pk, exported in changed.items():
            row, comment, parent = stored[pk], thread.accepted[exported], thread.parent_pk(exported)
            if fingerprint_of(row) != thread.recorded[pk].stored:
                self._report.skip(COMMENTS, comment.id, comment.author, changed_on_both_sides())
                continue
            is_parent_known = parent is not None or not exported.is_reply
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
        if comment.unclear_date:
            self._note(comment, unclear_date(comment.unclear_date))
        if comment.written_at is None:
            self._note(comment, _("It has no date, so it got the date of its post or page."))
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
    """Return whether `parent` is the comment `pk` or a direct or indirect reply to it. Very deep replies count too."""
    for _level in range(_MAX_DEPTH):
        if parent is None or parent == pk:
            return parent == pk
        parent = tree.get(parent)
    return True
