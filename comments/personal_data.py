"""The personal data of commenters, found by e-mail address: exported, erased, or deleted after a while."""

import datetime as dt
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Cast, Lower
from django.db.models.lookups import In
from django.tasks import TaskResultStatus
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_noop
from django_tasks_db.models import DBTaskResult

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from comments import normalisation
from comments.changes import comments_changed
from comments.models import Block, Comment, CommentQuerySet, Erasure, Lesson, Revision
from comments.moderation import deletion
from comments.rules import bayes
from core.bulk import batches
from core.personal_data import PersonalRows, personal_rows
from core.registry import Registry
from core.site import absolute_url

BATCH = 500
# What the audit log says, by what happens to the comments.
_DETAILS: Final = {
    Erasure.Texts.KEEP: gettext_noop("Comments kept."),
    Erasure.Texts.DELETE: gettext_noop("Comments deleted."),
}
# Functions that delete what another app derived from the e-mail addresses of the comments with these IDs. They are
# called in the transaction that removes the addresses.
address_removal_handlers: Final[Registry[Callable[[Collection[int]], None]]] = Registry("address removal handler")


@dataclass(slots=True)
class Summary:
    """How much data about a person is stored, or was erased. `others` counts rows by the name of their model."""

    comments: int = 0
    revisions: int = 0
    blocks: int = 0
    tasks: int = 0
    others: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.comments or self.blocks or self.tasks or any(self.others.values()))


def comments_of(email: str) -> CommentQuerySet:
    """Return the comments with this address, regardless of case, and those by accounts that have it."""
    if not email:
        return Comment.objects.none()
    spellings = _spellings(email)
    # Queried first, because with a subquery in the condition no database would use the index.
    accounts = list(User.objects.filter(In(Lower("email"), spellings)).values_list("pk", flat=True))
    return Comment.objects.filter(Q(In(Lower("email"), spellings)) | Q(user__in=accounts))


def _spellings(email: str) -> list[Lower]:
    """Return what to compare with `LOWER(email)`: several spellings, because SQLite only lowers ASCII letters."""
    return [Lower(Value(spelling)) for spelling in {email, email.lower(), email.upper()}]


def blocks_of(email: str) -> models.QuerySet[Block]:
    """Return the blocks of the address itself. Blocks of a name or host may concern others."""
    as_address = Q(kind=Block.Kind.EMAIL, key=normalisation.plain_case(email))
    return Block.objects.filter(as_address | Q(kind=Block.Kind.WORD, key=normalisation.phrase(email)))


def _tasks_of(email: str) -> list[DBTaskResult[Any, Any]]:
    """Return the worker's tasks, pending or done, that contain the address."""
    if not email:
        return []
    spellings = {email, json.dumps(email)[1:-1]}
    condition = Q()
    for text in spellings:
        condition |= Q(arguments__icontains=text) | Q(traceback__icontains=text)
    whole = re.compile(rf"(?<![\w.+-])(?:{'|'.join(map(re.escape, spellings))})(?![\w-])", re.IGNORECASE)
    arguments = Cast("args_kwargs", models.TextField())
    tasks = DBTaskResult.objects.annotate(arguments=arguments).filter(condition).order_by("enqueued_at")
    # The database also finds parts of longer addresses.
    return [task for task in tasks if whole.search(f"{json.dumps(task.args_kwargs)}\n{task.traceback}")]


def summary(email: str) -> Summary:
    """Count what is stored about the person with this address."""
    comments = comments_of(email)
    return Summary(
        comments.count(),
        Revision.objects.filter(comment__in=comments).count(),
        blocks_of(email).count(),
        len(_tasks_of(email)),
        {rows.label: rows.count(email) for rows in _erasable_rows()},
    )


def _erasable_rows() -> list[PersonalRows]:
    """Return the rows that are erased here. Otherwise, an editor could remove an owner's second step."""
    return [rows for rows in personal_rows.values() if not rows.of_account]


def export(email: str, *, with_account: bool = True) -> dict[str, Any]:
    """Return everything stored about the person with this address, ready for JSON.

    The moderators' names are left out, because they are other people's data. What only owners may see of people with an
    account is included if `with_account` is true.
    """
    disclosed = personal_rows.values() if with_account else _erasable_rows()
    accounts = User.objects.filter(email__iexact=email).order_by("pk") if with_account else User.objects.none()
    comments = comments_of(email).with_entries().select_related("user", "lesson").order_by("pk")
    erasure = erasure_of(email)
    return {
        "email": email,
        "site": settings.SITE_URL,
        "exported_at": timezone.now().isoformat(),
        "accounts": [account.username for account in accounts],
        "erased_at": erasure.erased_at.isoformat() if erasure else None,
        "comments": [
            {**_export_comment(comment), "account": comment.user.username if comment.user and with_account else None}
            for comment in comments.prefetch_related("revisions", "decisions")
        ],
        "blocks": [_values(block, "kind", "text", "verdict", "added_at") for block in blocks_of(email)],
        "tasks": [
            {"task": task.task_path, **_values(task, "enqueued_at"), "arguments": task.args_kwargs}
            for task in _tasks_of(email)
        ],
        "others": {rows.label: rows.disclose(email) for rows in disclosed},
    }


def _export_comment(comment: Comment) -> dict[str, Any]:
    lesson = getattr(comment, "lesson", None)
    return {
        "id": comment.pk,
        "url": absolute_url(comment.get_absolute_url()),
        "entry": str(comment.entry),
        "in_reply_to": comment.parent_id,
        **_values(comment, "kind", "status", "status_since", "created_at", "is_imported", "name", "email", "website"),
        "text": comment.text,
        "revisions": [_values(revision, "text", "replaced_at") for revision in comment.revisions.all()],
        "reasons": comment.reasons,
        "decisions": [_values(decision, "was", "became", "made_at") for decision in comment.decisions.all()],
        "filter": {"learned": lesson.status, "words": lesson.tokens} if lesson else None,
    }


def _values(row: models.Model, *names: str) -> dict[str, Any]:
    """Return these fields by name, with datetimes in ISO format."""
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, dt.datetime) else value for name, value in values.items()}


def erase(email: str, *, keep_text: bool, by: User | None) -> Summary:
    """Erase everything stored about the person with this address, and return how much that was. Idempotent.

    With `keep_text` the comments stay as "Anonymous", without name, address, website, account, earlier versions and
    reasons. Otherwise they are deleted, but not the replies to them. A keyed hash of the address is kept, so that no
    import brings the data back. The audit log names `by`, or the server, but not whose data it was.

    Comments are locked and erased in batches, with one transaction for each. Everything else goes with the first one,
    so that `finish_erasures` finds what an interrupted erasure has left by the addresses of the comments.
    """
    with transaction.atomic():
        # An import that starts in the meantime has to know about it.
        key, *former_keys = _keys(email)
        Erasure.objects.filter(key__in=former_keys).update(key=key)
        erasure, _created = Erasure.objects.select_for_update().get_or_create(key=key)
        # Texts that were deleted once must not come back because later ones were kept.
        erasure.text_kept = keep_text and erasure.text_kept
        erasure.erased_at = timezone.now()
        erasure.unfinished = Erasure.Texts.KEEP if keep_text else Erasure.Texts.DELETE
        erasure.save()
        # Without the ID, so that no one can tell from the log whose data was erased.
        record(Action.ERASED, [Erasure()], by=by, details=_DETAILS[erasure.unfinished])
        # The audit log never names them (accounts.audit.titles).
        blocks, _by_model = blocks_of(email).delete()
        others = {rows.label: rows.erase(email) for rows in _erasable_rows()}
        tasks = _erase_tasks(email)
    done = _erase_comments(comments_of(email), keep_text=keep_text)
    with transaction.atomic():
        # Again, because notifications of the comments may have been queued until now.
        tasks += _erase_tasks(email)
        Erasure.objects.filter(pk=erasure.pk).update(unfinished="")
    done.blocks, done.tasks, done.others = blocks, tasks, others
    return done


def finish_erasures() -> int:
    """Finish erasures that were interrupted, for example by a restart, and return how many comments they had left.

    Comments that were written after an erasure stay. Can be interrupted, and is safe to call concurrently.
    """
    unfinished = Erasure.objects.exclude(unfinished="").in_bulk(field_name="key")
    if not unfinished:
        return 0
    of_comments = Comment.objects.exclude(email="").order_by().values_list("email", flat=True).distinct()
    of_accounts = User.objects.exclude(email="").values_list("email", flat=True)
    emails = chain(of_comments.iterator(), of_accounts.iterator())
    found = {email: unfinished[key] for email in emails for key in _keys(email) if key in unfinished}
    count = 0
    for email, erasure in found.items():
        left = comments_of(email).filter(created_at__lte=erasure.erased_at)
        count += _erase_comments(left, keep_text=erasure.unfinished == Erasure.Texts.KEEP).comments
    # Not those that were begun again in the meantime.
    for erasure in unfinished.values():
        Erasure.objects.filter(pk=erasure.pk, erased_at=erasure.erased_at).update(unfinished="")
    return count


def _erase_tasks(email: str) -> int:
    """Delete the tasks that contain the address, except those that are running, and return how many."""
    tasks = [task.pk for task in _tasks_of(email) if task.status != TaskResultStatus.RUNNING]
    DBTaskResult.objects.filter(pk__in=tasks).delete()
    return len(tasks)


def _erase_comments(comments: CommentQuerySet, *, keep_text: bool) -> Summary:
    done = Summary()
    for batch in batches(comments.only("pk"), BATCH):
        with transaction.atomic():
            pks = [comment.pk for comment in batch]
            deletion.lock(pks)
            locked = list(comments.filter(pk__in=pks).order_by("pk"))
            done.revisions += Revision.objects.filter(comment__in=locked).count()
            _notify_address_removal(locked)
            if keep_text:
                _make_anonymous(locked)
            else:
                bayes.unlearn(locked)
                deletion.delete(locked)
            done.comments += len(locked)
    return done


def _make_anonymous(comments: list[Comment]) -> None:
    """Anonymise `comments`, which are locked, but keep their texts and what the filter has learned from them."""
    pks = [comment.pk for comment in comments]
    Revision.objects.filter(comment__in=pks).delete()
    Comment.objects.filter(pk__in=pks).update(name="", email="", website="", user=None, reasons=[])
    comments_changed(pks)
    learned = dict(Lesson.objects.filter(comment__in=pks).values_list("comment", "status"))
    bayes.unlearn(comments)
    for comment in comments:
        comment.website = ""
    bayes.learn({comment: learned[comment.pk] for comment in comments if comment.pk in learned})


def _notify_address_removal(comments: list[Comment]) -> None:
    for handle in address_removal_handlers.values():
        handle([comment.pk for comment in comments])


def erasure_of(email: str) -> Erasure | None:
    """Return the erasure of the person with this address, if any."""
    return Erasure.objects.filter(key__in=_keys(email)).first()


def _keys(email: str) -> list[str]:
    """Return the key of this address, and those that it had before SECRET_KEY was replaced."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    salt, address = "comments.personal_data.erased", email.strip().lower()
    return [salted_hmac(salt, address, secret=secret, algorithm="sha256").hexdigest() for secret in secrets]


class Erasures:
    """A snapshot of all erasures, for imports. One query."""

    def __init__(self) -> None:
        self._by_key = Erasure.objects.in_bulk(field_name="key")

    def of(self, email: str, created_at: dt.datetime) -> Erasure | None:
        """Return the erasure that applies to a comment with this address and date, if any."""
        keys = _keys(email) if self._by_key and email.strip() else []
        erasure = next((self._by_key[key] for key in keys if key in self._by_key), None)
        return erasure if erasure and created_at <= erasure.erased_at else None


def delete_old_emails(before: dt.datetime) -> int:
    """Delete the addresses of comments written before `before`, and reasons that contain them.

    Return the number of comments. Can be interrupted, and is safe to call concurrently.
    """
    old = Comment.objects.filter(created_at__lt=before).exclude(email="")
    count = 0
    for batch in batches(old.only("pk"), BATCH):
        with transaction.atomic():
            # Queried again, and locked in the same order as in every decision.
            pks = [comment.pk for comment in batch]
            locked = list(old.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk"))
            with_email = [
                comment.pk for comment in locked if comment.email.lower() in json.dumps(comment.reasons).lower()
            ]
            count += Comment.objects.filter(pk__in=[comment.pk for comment in locked]).update(email="")
            Comment.objects.filter(pk__in=with_email).update(reasons=[])
            _notify_address_removal(locked)
    return count
