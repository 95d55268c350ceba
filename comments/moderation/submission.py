"""Submitting a comment: the rules judge it, and it is stored whatever they say."""

import datetime as dt

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from blog.models import Entry
from comments.models import Comment, CommentSettings, CommentStatus
from comments.moderation.counting import recount
from comments.notifications import outbox
from comments.rules import akismet, proof_of_work, rate_limit
from comments.rules.judge import Arrival, judge

# The same text from the same person on the same entry within this time is a second click, not a second comment.
SECOND_CLICK = dt.timedelta(minutes=10)


def submit(
    entry: Entry,
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
    settings: CommentSettings,
) -> Comment:
    """Store a comment on `entry` and return it. A second click returns what the first one stored.

    A `user` comments under the name of the account. `trapped`: a field that people do not see was filled in.
    `sender` comes from comments.rules.rate_limit, and `proof` from the browser (comments.rules.proof_of_work). The
    rules decide the status (comments.rules.judge). Raises DoesNotExist if the entry has been deleted.
    """
    if user is not None:
        name, email = str(user), user.email
    values = {"name": name, "email": email, "website": website, "text": text, "parent": parent, "user": user}
    comment = Comment(entry=entry, **values)
    comment.render()
    # Before the transaction, so that nothing waits in it for another comment's count or for a remote server.
    count, akismet_finding = rate_limit.count(sender), akismet.check(comment)
    challenge = proof_of_work.verify(proof)
    with transaction.atomic():
        # Comments are locked before entries, as in every decision. From here on, the parent cannot be deleted.
        locked = Comment.objects.select_for_update(no_key=True).only("pk")
        if parent is not None and not locked.filter(pk=parent.pk):
            # Its author deleted it in the meantime, so this is no longer a reply.
            values["parent"] = comment.parent = None
        # Of two clicks at once, the second waits here until the first is stored.
        entries = type(entry).objects.select_for_update(no_key=True)
        # What CommentSettings.is_open looks at.
        current = entries.only("status", "published_at", "comments_open").get(pk=entry.pk)
        similar = list(_same_text(comment))
        since = timezone.now() - SECOND_CLICK
        for earlier in similar:
            if earlier.created_at >= since and all(getattr(earlier, name) == value for name, value in values.items()):
                return earlier
        arrival = Arrival(
            closed=not settings.is_open(current),
            trapped=trapped,
            count=count,
            repeated=any(earlier.status != CommentStatus.TRASH for earlier in similar),
            proven=bool(challenge) and proof_of_work.spend(challenge),
            akismet=akismet_finding,
        )
        judgement = judge(comment, settings, arrival)
        comment.status, comment.reasons = judgement.status, judgement.reasons
        comment.save()
        outbox.record([comment.pk], comment.status)
        if comment.status == CommentStatus.APPROVED:
            recount(entry)
    return comment


def _same_text(comment: Comment) -> models.QuerySet[Comment]:
    """Return the comments in the same place with the same text and name or e-mail. Source: WordPress's duplicates."""
    same_place = Comment.objects.on(comment.entry).filter(parent=comment.parent, text=comment.text)
    same_person = Q(name=comment.name, email=comment.email)
    if comment.name:
        same_person |= Q(name=comment.name)
    if comment.email:
        same_person |= Q(email=comment.email)
    return same_place.filter(same_person).select_related("user", "parent").order_by("pk")[:100]
