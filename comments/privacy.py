"""What is held of somebody who commented, found by the e-mail address: given out, erased, forgotten after a time."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Cast, Lower
from django.db.models.lookups import In
from django.tasks import TaskResultStatus
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from blog.site import SiteSettings, absolute_url
from comments import bayes, folding, moderation
from comments.models import Block, Comment, CommentQuerySet, Erasure, Follower, Revision, Status

BATCH = 500
# Besides comments and blocks: models whose rows are of one person each, with the field that holds the e-mail address.
# A row is given out with all it has, and erasing deletes it. A model with an address stands here or the tests fail.
ROWS_OF_A_PERSON: tuple[tuple[type[models.Model], str], ...] = ((Follower, "email"),)


@dataclass(slots=True)
class Found:
    """How much is held of a person, or was erased. `others`: rows by what the model is called."""

    comments: int = 0
    earlier_texts: int = 0
    blocks: int = 0
    tasks: int = 0
    others: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.comments or self.blocks or self.tasks or any(self.others.values()))


def comments_of(email: str) -> CommentQuerySet:
    """The comments sent with this address, capitals or not, and those of the account that has it.

    Somebody with the same name and another address is somebody else.
    """
    if not email:
        return Comment.objects.none()
    spellings = _spellings(email)
    # Asked beforehand: no database uses an index for one part of a condition that holds another query.
    accounts = list(User.objects.filter(In(Lower("email"), spellings)).values_list("pk", flat=True))
    return Comment.objects.filter(Q(In(Lower("email"), spellings)) | Q(user__in=accounts))


def _spellings(email: str) -> list[Lower]:
    """What to look for among small letters of the database's making: SQLite knows those of ASCII only."""
    return [Lower(Value(spelling)) for spelling in {email, email.lower(), email.upper()}]


def blocks_of(email: str) -> models.QuerySet[Block]:
    """Blocks of the address itself. Those of a name or host may be about others."""
    keys = Q(kind=Block.Kind.EMAIL, key=folding.plain_case(email)) | Q(kind=Block.Kind.WORD, key=folding.phrase(email))
    return Block.objects.filter(keys)


def _tasks_of(email: str) -> list[DBTaskResult[Any, Any]]:
    """The tasks of the worker, waiting or done, that name the address."""
    if not email:
        return []
    written = {email, json.dumps(email)[1:-1]}
    named = Q()
    for text in written:
        named |= Q(arguments__icontains=text) | Q(traceback__icontains=text)
    whole = re.compile(rf"(?<![\w.+-])(?:{'|'.join(map(re.escape, written))})(?![\w-])", re.IGNORECASE)
    arguments = Cast("args_kwargs", models.TextField())
    tasks = DBTaskResult.objects.annotate(arguments=arguments).filter(named).order_by("enqueued_at")
    # The database finds parts of longer addresses too.
    return [task for task in tasks if whole.search(f"{json.dumps(task.args_kwargs)}\n{task.traceback}")]


def _rows_of(email: str) -> Iterator[models.QuerySet[Any]]:
    for model, name in ROWS_OF_A_PERSON:
        if email:
            yield model._default_manager.filter(**{f"{name}__iexact": email})


def _called(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name_plural)


# Giving out


def found(email: str) -> Found:
    """How much is held of the person with this address."""
    comments = comments_of(email)
    return Found(
        comments.count(),
        Revision.objects.filter(comment__in=comments).count(),
        blocks_of(email).count(),
        len(_tasks_of(email)),
        {_called(rows.model): rows.count() for rows in _rows_of(email)},
    )


def held(email: str) -> dict[str, Any]:
    """All that is held of the person with this address, as values that JSON can hold.

    Who moderated is not among it: that is of another person.
    """
    comments = comments_of(email).with_entries().select_related("user", "lesson")
    erasure = erasure_of(email)
    return {
        "email": email,
        "site": settings.SITE_URL,
        "exported_at": timezone.now().isoformat(),
        "accounts": [account.username for account in User.objects.filter(email__iexact=email).order_by("pk")],
        "erased_at": erasure.erased_at.isoformat() if erasure else None,
        "comments": [
            _comment(comment) for comment in comments.prefetch_related("revisions", "decisions").order_by("pk")
        ],
        "blocks": [
            {"kind": block.kind, "text": block.text, "verdict": block.verdict, "added_at": block.added_at.isoformat()}
            for block in blocks_of(email)
        ],
        "tasks": [
            {"task": task.task_path, "enqueued_at": task.enqueued_at.isoformat(), "arguments": task.args_kwargs}
            for task in _tasks_of(email)
        ],
        "others": {
            _called(rows.model): [{name: _plain(value) for name, value in row.items()} for row in rows.values()]
            for rows in _rows_of(email)
        },
    }


def _comment(comment: Comment) -> dict[str, Any]:
    lesson = getattr(comment, "lesson", None)
    return {
        "id": comment.pk,
        "address": absolute_url(comment.get_absolute_url()),
        "on": str(comment.entry),
        "answers": comment.parent_id,
        "kind": comment.kind,
        "status": comment.status,
        "status_since": comment.status_since.isoformat(),
        "written": comment.created_at.isoformat(),
        "is_imported": comment.is_imported,
        "name": comment.name,
        "email": comment.email,
        "website": comment.website,
        "account": comment.user.username if comment.user else None,
        "text": comment.text,
        "earlier_texts": [
            {"text": earlier.text, "replaced_at": earlier.replaced_at.isoformat()}
            for earlier in comment.revisions.all()
        ],
        "reasons": comment.reasons,
        "decisions": [
            {"was": one.was, "became": one.became, "made_at": one.made_at.isoformat()}
            for one in comment.decisions.all()
        ],
        "filter": {"learnt": lesson.status, "words": lesson.tokens} if lesson else None,
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


# Erasing


def erase(email: str, *, keep_text: bool) -> Found:
    """Remove all that is held of the person with this address; returns how much that was. Twice is as once.

    With `keep_text` the comments stay as "Anonymous", without name, address, website, account, earlier texts and
    reasons. Without it they are deleted; answers to them stay. A keyed hash of the address is kept, so that no
    import brings it back. Each batch of comments is one transaction, and holds off whoever decides about them.
    """
    done = Found()
    # First of all: an import that starts meanwhile knows of it.
    with transaction.atomic():
        erasure, _created = Erasure.objects.select_for_update().get_or_create(key=_key(email))
        # What was deleted once does not come back because later ones were kept.
        erasure.text_kept = keep_text and erasure.text_kept
        erasure.erased_at = timezone.now()
        erasure.save()
    for pks in _batches(comments_of(email)):
        with transaction.atomic():
            moderation.lock(pks)
            locked = list(comments_of(email).filter(pk__in=pks).order_by("pk"))
            done.earlier_texts += Revision.objects.filter(comment__in=locked).count()
            _forget_imported(locked)
            if keep_text:
                _make_anonymous(locked)
            else:
                bayes.forget(locked)
                moderation.delete(locked)
            done.comments += len(locked)
    with transaction.atomic():
        done.blocks = _delete_blocks(email)
        for rows in _rows_of(email):
            done.others[_called(rows.model)] = rows.count()
            rows.delete()
        tasks = [task.pk for task in _tasks_of(email) if task.status != TaskResultStatus.RUNNING]
        done.tasks = len(tasks)
        DBTaskResult.objects.filter(pk__in=tasks).delete()
    return done


def _batches(comments: CommentQuerySet) -> Iterator[list[int]]:
    """The keys of `comments`, BATCH at a time: the table is read through once, however many there are."""
    last = 0
    while pks := list(comments.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield pks
        last = pks[-1]


def _make_anonymous(comments: list[Comment]) -> None:
    """Keep the texts of `comments`, which are locked, and what the filter learnt of these."""
    pks = [comment.pk for comment in comments]
    Revision.objects.filter(comment__in=pks).delete()
    Comment.objects.filter(pk__in=pks).update(name="", email="", website="", user=None, reasons=[])
    lessons = dict(bayes.learnt(comments))
    bayes.forget(comments)
    for comment in comments:
        comment.website = ""
    bayes.learn(lessons)
    moderation.readers_notice([comment for comment in comments if comment.status == Status.APPROVED])


def _delete_blocks(email: str) -> int:
    """Delete the blocks, and the words for them in the admin's log of changes."""
    pks = list(blocks_of(email).values_list("pk", flat=True))
    log = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Block))
    # Of blocks that were deleted or changed before, the log still has the words.
    said = In(Lower("object_repr"), _spellings(email))
    log.filter(Q(object_id__in=[str(pk) for pk in pks]) | Q(said)).update(object_repr=gettext("(erased)"))
    Block.objects.filter(pk__in=pks).delete()
    return len(pks)


def _forget_imported(comments: list[Comment]) -> None:
    """Fingerprints that imports keep are made of the address too: who guesses it could find it confirmed."""
    import_string(settings.BROADSIDE_FORGET_IMPORTED_COMMENTS)([comment.pk for comment in comments])


def erasure_of(email: str) -> Erasure | None:
    """That the person with this address was erased; None if never."""
    return Erasure.objects.filter(key=_key(email)).first()


# What imports ask


def _key(email: str) -> str:
    return salted_hmac("comments.privacy.erased", email.strip().lower(), algorithm="sha256").hexdigest()


class Erasures:
    """Whose comments were erased, as it was when this was made. One query, and nothing to compute if there are none."""

    def __init__(self) -> None:
        self._by_key = {erasure.key: erasure for erasure in Erasure.objects.all()}

    def of(self, email: str, written: dt.datetime) -> Erasure | None:
        """The erasure that a comment with this address, written at this moment, falls under."""
        erasure = self._by_key.get(_key(email)) if self._by_key and email.strip() else None
        return erasure if erasure and written <= erasure.erased_at else None


# Forgetting


def forget_emails(site: SiteSettings) -> int:
    """Forget the addresses of comments older than the site keeps them; returns the number of comments.

    Their reasons go too where these name the address. Can be interrupted, and run by several at once.
    """
    if not site.forget_emails_after_days:
        return 0
    before = timezone.now() - dt.timedelta(days=site.forget_emails_after_days)
    old = Comment.objects.filter(created_at__lt=before).exclude(email="")
    forgotten = 0
    for pks in _batches(old):
        with transaction.atomic():
            # Looked at again once it is locked, in the order of all who decide.
            locked = list(old.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk"))
            telling = [one.pk for one in locked if one.email.lower() in json.dumps(one.reasons).lower()]
            Comment.objects.filter(pk__in=[comment.pk for comment in locked]).update(email="")
            Comment.objects.filter(pk__in=telling).update(reasons=[])
            _forget_imported(locked)
            # The ornaments beside them are others now.
            moderation.readers_notice([comment for comment in locked if comment.status == Status.APPROVED])
            forgotten += len(locked)
    return forgotten
