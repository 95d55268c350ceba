"""What happens to comments: they come in, moderators decide about them. Every decision is logged and can be undone."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import batched

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from blog.models import Page, Post
from blog.site import SiteSettings, content_changed
from comments import akismet, bayes, flood, news
from comments import proof as proof_of_work
from comments.counting import recount, recount_all
from comments.models import Comment, Decision, Revision, Status, entry_lookup
from comments.rules import Arrival, judge

# The same words of the same person on the same entry within this time are a second click, not a second comment.
SECOND_CLICK = dt.timedelta(minutes=10)
OUT_OF_SIGHT = (Status.SPAM, Status.TRASH)
# What an entry is asked whether it takes comments.
_TAKES_COMMENTS = ("status", "published_at", "comments_open")

# What a comment becomes, and what the filter has learnt of it then: `approved`, `spam` or, empty, nothing.
type Ruling = tuple[Status, str]
# What a moderator saw of comments when deciding: the `mark` of each, by key.
type Seen = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision did. `unchanged` are the comments that stood so already, or were decided otherwise since.

    `overtaken` are the keys of those that are not any more what the moderator saw. They were left as they are.
    """

    changed: int
    unchanged: int
    batch: uuid.UUID
    overtaken: tuple[int, ...] = ()


class OvertakenError(Exception):
    """A comment is not any more what the moderator saw who wanted to change it."""


def submit(
    entry: Post | Page,
    *,
    text: str,
    name: str = "",
    email: str = "",
    website: str = "",
    parent: Comment | None = None,
    user: User | None = None,
    trapped: bool = False,
    sender: str = "",
    proof: str = "",
    site: SiteSettings,
) -> Comment:
    """Store what somebody wrote below `entry` and return it; a second click returns what the first one stored.

    `user` writes under the name of the account. `trapped`: a field was filled that people do not see. `sender` is
    who comments.flood says it is, `proof` what the browser sent for comments.proof. The rules decide what becomes
    of it (comments.rules). Raises DoesNotExist if the entry has gone meanwhile.
    """
    if user is not None:
        name, email = str(user), user.email
    words = {"name": name, "email": email, "website": website, "text": text, "parent": parent, "user": user}
    comment = Comment(**entry_lookup(entry), **words)
    comment.render()
    # Before the transaction: nobody waits in it for another comment's count, nor for somebody else's server.
    arrival = Arrival(trapped=trapped, count=flood.count(sender), akismet=akismet.ask(comment))
    task = proof_of_work.solved(proof)
    with transaction.atomic():
        # Before the entry, in the order of all who decide: what is answered is not deleted from now on.
        locked = Comment.objects.select_for_update(no_key=True).only("pk")
        if parent is not None and not locked.filter(pk=parent.pk):
            # Its sender has deleted it meanwhile: the answer stands by itself.
            words["parent"] = comment.parent = None
        # Two clicks at once: the second waits here until the first is stored.
        answered = type(entry).objects.select_for_update(no_key=True).only(*_TAKES_COMMENTS).get(pk=entry.pk)
        same = list(_same_words(comment))
        since = timezone.now() - SECOND_CLICK
        second_clicks = [
            before
            for before in same
            if before.created_at >= since and all(getattr(before, field) == value for field, value in words.items())
        ]
        if second_clicks:
            return second_clicks[0]
        judgement = judge(
            comment,
            site,
            replace(
                arrival,
                closed=not answered.takes_comments(site),
                repeated=any(before.status != Status.TRASH for before in same),
                proven=bool(task) and proof_of_work.spend(task),
            ),
        )
        comment.status, comment.reasons = judgement.status, judgement.reasons
        comment.save()
        news.note([comment])
        if comment.status == Status.APPROVED:
            recount(entry)
    return comment


def _same_words(comment: Comment) -> models.QuerySet[Comment]:
    """The comments there that say the same and have the same name or address. Source: WordPress's duplicates."""
    there = Comment.objects.on(comment.entry).filter(parent=comment.parent, text=comment.text)
    the_person = Q(name=comment.name, email=comment.email)
    if comment.name:
        the_person |= Q(name=comment.name)
    if comment.email:
        the_person |= Q(email=comment.email)
    return there.filter(the_person).select_related("user", "parent").order_by("pk")[:100]


def approve(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> Outcome:
    """Let readers see `comments`. The filter learns that they are none of it, and who wrote them is known.

    Here and below: those of which `seen` has another mark than they have now are left, and told as overtaken.
    """
    return _decide((comment.pk for comment in comments), by, _all((Status.APPROVED, Status.APPROVED)), seen)


def mark_spam(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> Outcome:
    """Take `comments` out of sight as spam. The filter learns from them."""
    return _decide((comment.pk for comment in comments), by, _all((Status.SPAM, Status.SPAM)), seen)


def trash(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> Outcome:
    """Take `comments` out of sight. That says nothing about spam: what the filter has learnt of them stays."""

    def trashed(locked: list[Comment]) -> dict[Comment, Ruling]:
        histories = _histories(locked)
        return {comment: (Status.TRASH, _taught(histories.get(comment.pk, []))) for comment in locked}

    return _decide((comment.pk for comment in comments), by, trashed, seen)


def restore(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> Outcome:
    """Take `comments` out of spam and trash, to where they stood before: to the queue if that is not known."""

    def before(locked: list[Comment]) -> dict[Comment, Ruling]:
        hidden = [comment for comment in locked if comment.status in OUT_OF_SIGHT]
        histories = _histories(hidden)
        return {comment: _before_removal(histories.get(comment.pk, [])) for comment in hidden}

    return _decide((comment.pk for comment in comments), by, before, seen)


def answer(comment: Comment, text: str, by: User, *, site: SiteSettings, seen: Seen | None = None) -> Outcome:
    """Approve `comment` and store `text` below it as an answer of `by`. Undoing takes back both.

    If the comment was overtaken, nothing is stored. Raises DoesNotExist if it, or what it is about, has gone meanwhile.
    """
    with transaction.atomic():
        outcome = approve([comment], by, seen)
        if outcome.overtaken:
            return outcome
        if not outcome.changed + outcome.unchanged:
            raise Comment.DoesNotExist
        reply = submit(comment.entry, text=text, parent=comment, user=by, site=site)
        # The rules let staff pass. In the log it is a decision like any other.
        if reply.status == Status.APPROVED:
            batch = {"moderator": by, "batch": outcome.batch}
            Decision.objects.create(comment=reply, was=Status.PENDING, became=Status.APPROVED, **batch)
        else:
            _decide([reply.pk], by, _all((Status.APPROVED, "")), batch=outcome.batch)
    return outcome


def edit(comment: Comment, words: Mapping[str, str], by: User, *, mark: str = "") -> Comment:
    """Give `comment` these words (text, name, email, website) and keep its earlier text. Returns it as it is then.

    Its status stays. Raises OvertakenError if it has another `mark` now, and DoesNotExist if it was deleted.
    """
    with transaction.atomic():
        stored = Comment.objects.select_for_update(no_key=True).get(pk=comment.pk)
        if mark and stored.mark != mark:
            raise OvertakenError
        changed = [field for field, value in words.items() if getattr(stored, field) != value]
        if "text" in changed:
            Revision.objects.create(comment=stored, text=stored.text, by=by)
        for field in changed:
            setattr(stored, field, words[field])
        if changed:
            stored.save(update_fields=changed)
    return stored


def undo(batch: uuid.UUID, by: User) -> Outcome:
    """Put back every comment that still stands where `batch` put it. Those decided otherwise since are left.

    This is a decision as well, so it can be undone itself. What the filter learnt is put back too.
    """

    def before(locked: list[Comment]) -> dict[Comment, Ruling]:
        histories = _histories(locked)
        standing = {comment: histories.get(comment.pk, []) for comment in locked}
        return {
            comment: _before(history, len(history) - 1)
            for comment, history in standing.items()
            if history and history[-1].batch == batch and history[-1].became == comment.status
        }

    return _decide(Decision.objects.filter(batch=batch).values_list("comment", flat=True), by, before)


def _all(ruling: Ruling) -> Callable[[list[Comment]], dict[Comment, Ruling]]:
    return lambda locked: dict.fromkeys(locked, ruling)


def _histories(comments: list[Comment]) -> dict[int, list[Decision]]:
    """The decisions about each of `comments`, the oldest first; one query."""
    histories: dict[int, list[Decision]] = {}
    for decision in Decision.objects.filter(comment__in=comments).order_by("pk"):
        histories.setdefault(decision.comment_id, []).append(decision)
    return histories


def _taught(history: list[Decision]) -> str:
    return history[-1].taught if history else ""


def _before(history: list[Decision], number: int) -> Ruling:
    """What a comment was before the decision of this number, and what the filter had learnt of it."""
    return Status(history[number].was), _taught(history[:number])


def _before_removal(history: list[Decision]) -> Ruling:
    """Of several removals the last one counts."""
    for number, decision in reversed(list(enumerate(history))):
        if decision.became in OUT_OF_SIGHT and decision.was not in OUT_OF_SIGHT:
            return _before(history, number)
    return Status.PENDING, ""


def delete(comments: Iterable[Comment]) -> int:
    """Delete `comments` for good, with their history. Returns their number.

    Answers to them stay, and answer then what these answered: readers find them where they were.
    """
    deleted: list[Comment] = []
    with transaction.atomic():
        for some in batched(sorted({comment.pk for comment in comments}), 1_000):
            stored = lock(some)
            going = {pk: stored[pk] for pk in some if pk in stored}
            _move_up_answers(going, stored)
            Comment.objects.filter(pk__in=going).delete()
            deleted += going.values()
        readers_notice([comment for comment in deleted if comment.status == Status.APPROVED])
    return len(deleted)


def lock(pks: Iterable[int]) -> dict[int, Comment]:
    """Lock the comments of these keys and what stands above and below them until the transaction ends; returns all.

    Who deletes calls this before anything else is locked: all that is touched is locked in the order of all who decide.
    """
    pks = set(pks)
    above = Comment.objects.filter(pk__in=pks).exclude(parent=None).values_list("parent", flat=True)
    around = Q(pk__in=pks.union(above)) | Q(parent__in=pks)
    locked = Comment.objects.select_for_update(no_key=True).filter(around).order_by("pk")
    return {comment.pk: comment for comment in locked.only("status", "post", "page", "parent")}


def _move_up_answers(going: Mapping[int, Comment], stored: Mapping[int, Comment]) -> None:
    """Hang what answers those that are `going` below the nearest of `stored` that stays."""
    moved: dict[int | None, list[int]] = {}
    # Asked anew: some may have come in until all were locked.
    answers = Comment.objects.filter(parent__in=going).exclude(pk__in=going).order_by("pk")
    for pk, parent in answers.values_list("pk", "parent"):
        above: int | None = parent
        # Imported threads may go round in a circle.
        passed = {pk}
        while above is not None and above in going and above not in passed:
            passed.add(above)
            above = going[above].parent_id
        moved.setdefault(above if above in stored and above not in passed else None, []).append(pk)
    for nearest, pks in moved.items():
        Comment.objects.filter(pk__in=pks).update(parent=nearest)


def _decide(
    pks: Iterable[int],
    by: User,
    rulings: Callable[[list[Comment]], Mapping[Comment, Ruling]],
    seen: Seen | None = None,
    batch: uuid.UUID | None = None,
) -> Outcome:
    """Give the comments of these keys the status that `rulings` says, where it differs, and log that."""
    batch = batch or uuid.uuid4()
    seen = seen or {}
    changed = unchanged = 0
    overtaken: list[int] = []
    noticed: list[Comment] = []
    lessons: dict[Comment, str] = {}
    with transaction.atomic():
        for found in _locked(pks):
            locked = [comment for comment in found if seen.get(comment.pk, comment.mark) == comment.mark]
            overtaken += sorted({comment.pk for comment in found} - {comment.pk for comment in locked})
            becomes = {comment: ruling for comment, ruling in rulings(locked).items() if ruling[0] != comment.status}
            for status in {ruling[0] for ruling in becomes.values()}:
                those = [comment.pk for comment, ruling in becomes.items() if ruling[0] == status]
                Comment.objects.filter(pk__in=those).update(status=status, status_since=timezone.now())
                if status == Status.APPROVED:
                    news.note_approved(those)
            Decision.objects.bulk_create(
                Decision(comment=comment, moderator=by, was=comment.status, became=new, taught=taught, batch=batch)
                for comment, (new, taught) in becomes.items()
            )
            lessons |= {comment: taught for comment, (_new, taught) in becomes.items()}
            noticed += [
                comment for comment, ruling in becomes.items() if Status.APPROVED in (comment.status, ruling[0])
            ]
            changed += len(becomes)
            unchanged += len(locked) - len(becomes)
        # After all comments are locked: who waits for what the filter knows holds no comment that another needs.
        bayes.learn(lessons)
        readers_notice(noticed)
    return Outcome(changed, unchanged, batch, tuple(overtaken))


def _locked(pks: Iterable[int]) -> Iterator[list[Comment]]:
    """The comments of these keys as they are now, some at a time, held until the transaction ends.

    Always locked in the same order, and before any entry: moderators wait for each other, but never for ever.
    """
    for some in batched(sorted(set(pks)), 1_000):
        comments = Comment.objects.select_for_update(no_key=True).filter(pk__in=some).order_by("pk")
        yield list(comments.only("status", "post", "page", "name", "email", "website", "text"))


def readers_notice(comments: list[Comment]) -> None:
    """Bring the counts of the entries of `comments` up to date, and all that is cached."""
    recount_all(Post, {comment.post_id for comment in comments if comment.post_id})
    recount_all(Page, {comment.page_id for comment in comments if comment.page_id})
    if comments:
        content_changed()
