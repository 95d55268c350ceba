"""The comments of an export, with their threads."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from django.utils import timezone
from django.utils.translation import gettext as _

from blog.models import Page, Post
from comments.counting import recount_all
from comments.models import Comment, Kind, Status
from comments.privacy import Erasures
from comments.text import comment_html
from wordpress.authors import Authors
from wordpress.lookups import add, highest_key, rows
from wordpress.memory import Left, Memory, of_comment, of_row
from wordpress.plain import moment, plain
from wordpress.records import Comment as Exported
from wordpress.records import Item
from wordpress.reports import COMMENTS, Outcome, Report
from wordpress.survey import Survey
from wordpress.trees import parents_first

_STATUSES = {
    "1": Status.APPROVED,
    "approve": Status.APPROVED,
    "approved": Status.APPROVED,
    "0": Status.PENDING,
    "hold": Status.PENDING,
    "spam": Status.SPAM,
    "trash": Status.TRASH,
    "post-trashed": Status.TRASH,
}
# What plug-ins note for themselves or for the staff as comments. Readers never saw them.
_NOTES = {"action_log", "edd_payment_note", "note", "order_note", "webhook_delivery"}
# Of comments without a date on items without one. The same each time, so that they are recognised.
_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# What a comment takes over when the export says something else.
_RENEWED = ("kind", "status", "user_id", "name", "email", "website", "text", "is_html", "html", "created_at")
_KINDS = frozenset(Kind.values)
_LENGTHS = {"name": 245, "email": 254, "website": 500}


@dataclass(slots=True)
class Answered:
    """An entry here with the item it came from. `new`: it is not stored yet, so it has no comments.

    `changed`: it is stored, and the item says something else since.
    """

    entry: Post | Page
    item: Item
    new: bool
    changed: bool = False
    rows: list[Comment] = field(default_factory=list)
    changed_rows: list[Comment] = field(default_factory=list)

    @property
    def field(self) -> str:
        return "post" if isinstance(self.entry, Post) else "page"


class Comments:
    """Brings in the comments of some entries at a time: first `prepare`, then, the entries being stored, `write`."""

    def __init__(self, survey: Survey, authors: Authors, memory: Memory, report: Report) -> None:
        self._authors = authors
        self._memory = memory
        self._report = report
        self._erasures = Erasures()
        self._free = count(max(survey.highest_comment, highest_key(Comment)) + 1)
        self._given: set[int] = set()
        # What was rendered beforehand, by text and whether that is HTML.
        self._html: Mapping[tuple[str, bool], str] = {}

    def skip(self, item: Item, reason: str) -> None:
        """Account for the comments of an item that is not brought in."""
        for comment in item.comments:
            self._report.skip(COMMENTS, comment.id, plain(comment.author), reason)

    def prepare(self, entries: Sequence[Answered], html: Mapping[tuple[str, bool], str]) -> None:
        """Make the rows of comments that are not here yet or have changed, and set the counts of new entries.

        `html`: of the texts of comments, each with whether it is HTML, what is rendered already.
        """
        self._html = html
        ids = [comment.id for answered in entries for comment in answered.item.comments]
        before = self._memory.keys(COMMENTS, ids)
        keys = [*ids, *(key for some in before.values() for key in some)]
        columns = ("pk", "post_id", "page_id", "created_at", "name")
        here = {pk: tuple(rest) for pk, *rest in rows(Comment, "pk", keys, *columns)}
        left = self._memory.recall(COMMENTS, here)
        for answered in entries:
            self._prepare(answered, here, left, before)
            if answered.new:
                answered.entry.comment_count = sum(row.status == Status.APPROVED for row in answered.rows)

    def write(self, entries: Iterable[Answered]) -> None:
        """Store what `prepare` made."""
        entries = [answered for answered in entries if answered.rows or answered.changed_rows]
        add([row for answered in entries for row in answered.rows])
        changed = [row for answered in entries for row in answered.changed_rows]
        Comment.objects.bulk_update(
            changed, ["parent", "status_since", *(name.removesuffix("_id") for name in _RENEWED)], batch_size=500
        )
        for model in (Post, Page):
            grown = [one.entry.pk for one in entries if not one.new and isinstance(one.entry, model)]
            if grown:
                recount_all(model, grown)

    def _prepare(
        self,
        answered: Answered,
        here: dict[int, tuple[object, ...]],
        left: Mapping[int, Left],
        before: Mapping[int, list[int]],
    ) -> None:
        wanted = self._wanted(answered)
        keys = self._known(answered, wanted, here, before)
        new = [comment for comment in wanted if comment not in keys]
        self._report.count(COMMENTS, Outcome.IMPORTED, len(new))
        changed = []
        for comment, pk in keys.items():
            if pk in left and left[pk].exported != of_comment(comment):
                changed.append(comment)
            else:
                self._report.count(COMMENTS, Outcome.UNCHANGED)
        for comment in new:
            free = comment.id and comment.id not in here and comment.id not in self._given
            keys[comment] = comment.id if free else next(self._free)
            self._given.add(keys[comment])
            if not free:
                self._note(comment, _("Its number is taken: here it has the number %d.") % keys[comment])
        parents = self._parents(wanted, new)
        for comment in new:
            parent = parents[comment]
            row = self._row(answered, comment, keys[comment], keys[parent] if parent else None)
            answered.rows.append(row)
            self._remember(comment, row)
        if changed:
            answers = {pk: keys[parent] for comment, pk in keys.items() if (parent := parents[comment])}
            self._renew(answered, {keys[comment]: comment for comment in changed}, left, answers)

    def _renew(
        self,
        answered: Answered,
        changed: Mapping[int, Exported],
        left: Mapping[int, Left],
        answers: Mapping[int, int],
    ) -> None:
        """Make the rows of stored comments that say something else in the export, unless they do here too.

        `answers`: what each comment answers by the export. What was moved in the thread moves here, if that makes no
        circle with what stays.
        """
        thread: dict[int, int | None] = dict(Comment.objects.on(answered.entry).values_list("pk", "parent_id"))
        for pk, row in Comment.objects.in_bulk(changed).items():
            comment = changed[pk]
            if _left(row) != left[pk].here:
                reason = _("It was changed in the export and here since the last import: here it stays as it is.")
                self._report.skip(COMMENTS, comment.id, plain(comment.author), reason)
                continue
            said = pk in answers or not comment.parent
            if said and not _answers(pk, thread, answers.get(pk)):
                row.parent_id = thread[pk] = answers.get(pk)
            fresh = self._row(answered, comment, pk, row.parent_id)
            if row.status != fresh.status:
                row.status_since = timezone.now()
            for name in _RENEWED:
                setattr(row, name, getattr(fresh, name))
            answered.changed_rows.append(row)
            self._report.count(COMMENTS, Outcome.UPDATED)
            self._remember(comment, row)

    def _remember(self, comment: Exported, row: Comment) -> None:
        self._memory.remember(COMMENTS, comment.id, row.pk, Left(of_comment(comment), _left(row)))

    def _wanted(self, answered: Answered) -> list[Exported]:
        """The comments of the item that can be brought in, each once; without a name if its author was erased here."""
        wanted: dict[Exported, None] = {}
        for exported in answered.item.comments:
            comment, reason = exported, ""
            erasure = self._erasures.of(plain(comment.email), self._moment(answered, comment))
            if erasure:
                comment = comment._replace(author="", email="", url="", user_id=0)
            if erasure and not erasure.text_kept:
                reason = _("Its author was erased here, with all texts.")
            elif not is_for_readers(comment.type):
                reason = _("It is no comment but a note for the staff (“%s”): readers did not see it.") % comment.type
            elif comment in wanted:
                reason = _("It is in the export twice.")
            if reason:
                self._report.skip(COMMENTS, comment.id, plain(comment.author), reason)
            else:
                wanted[comment] = None
        return list(wanted)

    def _known(
        self,
        answered: Answered,
        wanted: list[Exported],
        here: dict[int, tuple[object, ...]],
        before: Mapping[int, list[int]],
    ) -> dict[Exported, int]:
        """The keys of those that are here already.

        By number, entry, moment and name; or by what an earlier import made of the number; or by entry, moment, name
        and text.
        """
        if answered.new:
            return {}
        owner = (answered.entry.pk, None) if isinstance(answered.entry, Post) else (None, answered.entry.pk)
        marks = {comment: (*owner, self._moment(answered, comment), _name(comment)) for comment in wanted}
        keys = {
            comment: comment.id
            for comment in wanted
            if comment.id not in self._given and here.get(comment.id) == marks[comment]
        }
        self._given.update(keys.values())
        for comment in wanted:
            made = (key for key in before.get(comment.id, ()) if here.get(key, ())[:2] == owner)
            if comment not in keys and (key := next((key for key in made if key not in self._given), None)):
                keys[comment] = key
                self._given.add(key)
        if len(keys) == len(wanted):
            return keys
        columns = ("pk", "post_id", "page_id", "created_at", "name", "text")
        stored = Comment.objects.on(answered.entry).order_by("-pk").values_list(*columns)
        others = {tuple(rest): pk for pk, *rest in stored if pk not in self._given}
        for comment in wanted:
            mark = (*marks[comment], comment.content)
            if comment not in keys and mark in others:
                keys[comment] = others.pop(mark)
                self._given.add(keys[comment])
        return keys

    def _parents(self, wanted: list[Exported], new: list[Exported]) -> dict[Exported, Exported | None]:
        """What each comment answers. The thread is opened, and that noted, where it leads nowhere or in a circle."""
        by_id: dict[int, Exported] = {}
        for comment in wanted:
            by_id.setdefault(comment.id, comment)
        parents = {comment: by_id.get(comment.parent) if comment.parent else None for comment in wanted}
        for comment in parents_first(parents)[1]:
            parents[comment] = None
        for comment in new:
            if comment.parent and parents[comment] is None:
                self._note(comment, _("What it answers is not among these comments: it stands at the top."))
        return parents

    def _row(self, answered: Answered, comment: Exported, pk: int, parent: int | None) -> Comment:
        if comment.approved not in _STATUSES:
            self._note(comment, _("Its state “%s” is not known here: it waits for a moderator.") % comment.approved)
        if comment.type not in _KINDS:
            self._note(comment, _("It was of the type “%s”: here it stands among the others.") % comment.type)
        if comment.date is None and comment.date_gmt is None:
            self._note(comment, _("It has no date: here it has that of the entry."))
        said = {"name": plain(comment.author), "email": plain(comment.email), "website": plain(comment.url)}
        for name, length in _LENGTHS.items():
            if len(said[name]) > length:
                self._note(comment, _("The %(field)s is too long and was cut.") % {"field": name})
                said[name] = said[name][:length]
        return Comment(
            pk=pk,
            **{f"{answered.field}_id": answered.entry.pk},
            parent_id=parent,
            kind=comment_kind(comment.type),
            status=_STATUSES.get(comment.approved, Status.PENDING),
            user_id=self._authors.of_comment(comment.user_id),
            **said,
            text=comment.content,
            is_html=comment.is_html,
            is_imported=True,
            html=self._html.get((comment.content, comment.is_html))
            or comment_html(comment.content, is_html=comment.is_html),
            created_at=self._moment(answered, comment),
        )

    def _moment(self, answered: Answered, comment: Exported) -> dt.datetime:
        """When it was written; if the export does not say, when the entry was."""
        item = answered.item
        return moment(comment.date, comment.date_gmt) or moment(item.date, item.date_gmt) or _LONG_AGO

    def _note(self, comment: Exported, text: str) -> None:
        self._report.note(COMMENTS, comment.id, plain(comment.author), text)


def is_for_readers(type: str) -> bool:  # noqa: A002  # WordPress's word for it
    """Whether comments of this type stood below the entry."""
    return type not in _NOTES


def comment_kind(type: str) -> Kind:  # noqa: A002  # WordPress's word for it
    """What a comment of this type is here. Themes show those of plug-ins (`review`, `like`) like all others."""
    if type == "webmention":
        return Kind.PINGBACK
    return Kind(type) if type in _KINDS else Kind.COMMENT


def _name(comment: Exported) -> str:
    return plain(comment.author)[: _LENGTHS["name"]]


def _left(row: Comment) -> str:
    return of_row(str(row.status), row.name, row.email, row.website, row.text)


def _answers(pk: int, thread: Mapping[int, int | None], parent: int | None) -> bool:
    """Whether `parent` is the comment `pk` or, over whatever steps, an answer to it."""
    seen: set[int] = set()
    while parent is not None and parent not in seen:
        if parent == pk:
            return True
        seen.add(parent)
        parent = thread.get(parent)
    return False
