"""Following a discussion by e-mail: asked for, confirmed by the owner of the address, ended by one click.

To an address that nobody has confirmed goes nothing that a stranger wrote: the title and the link alone. What is
answered on the site is the same whether or not an address follows already.
"""

import datetime as dt
from collections.abc import Iterator
from functools import partial

from django.core.signing import Signer, TimestampSigner
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from blog.models import Page, Post
from blog.site import SiteSettings, absolute_url
from comments import flood, mail
from comments.models import Comment, entry_lookup
from comments.recipients import About, Follower, Notice

# How long there is to confirm. After that the address is forgotten.
VALID_FOR = dt.timedelta(days=7)
# Nobody is asked twice about the same entry in this time, nor about more entries while none is confirmed.
ASKED_AGAIN_AFTER = dt.timedelta(days=1)
MAX_UNCONFIRMED = 3
MAX_COMMENTS = 20


def is_on(site: SiteSettings) -> bool:
    """Whether readers may follow: there is a mail server, and the site wants it."""
    return mail.is_on() and site.follow_by_mail


def _confirming() -> TimestampSigner:
    return TimestampSigner(salt="comments.following.confirm")


def _stopping() -> Signer:
    return Signer(salt="comments.following.stop")


def ask(entry: Post | Page, email: str, *, sender: str) -> None:
    """Have the owner of `email` asked whether to follow `entry`, unless they do or were asked lately.

    `sender` is who comments.flood says it is. Too many of one sender, for one address or in all are not heeded.
    """
    email = email.strip().lower()
    if not email or not mail.is_on() or flood.asks_too_often(sender, email):
        return
    now = timezone.now()
    with transaction.atomic():
        follower, is_new = Follower.objects.get_or_create(email=email, **entry_lookup(entry))
        if is_new and Follower.objects.filter(email=email, confirmed_at=None).count() > MAX_UNCONFIRMED:
            follower.delete()
            return
        unconfirmed = Follower.objects.filter(pk=follower.pk, confirmed_at=None)
        is_due = is_new or unconfirmed.filter(asked_at__lt=now - ASKED_AGAIN_AFTER).update(
            asked_at=now, invited_at=None, not_before=now
        )
        if is_due:
            mail.wake_worker(now)


def confirm_address(follower: Follower) -> str:
    return reverse("comments:confirm", args=[_confirming().sign(str(follower.pk))])


def stop_address(follower: Follower) -> str:
    """Where mails end, for as long as they come."""
    return reverse("comments:stop", args=[_stopping().sign(str(follower.pk))])


def to_confirm(signed: str) -> Follower | None:
    """Who is asked by this address. Raises BadSignature if it is false; None if it is too old or they are gone."""
    # As long as they are kept (comments.tidying), so that one is not cut short by the other.
    pk = _confirming().unsign(signed)
    found = _find(pk)
    is_late = found is not None and found.confirmed_at is None and timezone.now() - found.asked_at > VALID_FOR
    return None if is_late else found


def to_stop(signed: str) -> Follower | None:
    """Whose mails end by this address; None if they did. Raises BadSignature if it is false."""
    return _find(_stopping().unsign(signed))


def _find(pk: str) -> Follower | None:
    return Follower.objects.filter(pk=int(pk)).select_related("post", "page").first()


def confirm(follower: Follower) -> None:
    now = timezone.now()
    Follower.objects.filter(pk=follower.pk, confirmed_at=None).update(confirmed_at=now, not_before=now)


def stop(follower: Follower, *, everything: bool = False) -> None:
    """Forget that this address follows; with `everything` also what else it follows."""
    Follower.objects.filter(**({"email": follower.email} if everything else {"pk": follower.pk})).delete()


def letters(follower: Follower) -> Iterator[mail.Letter]:
    """The mail that is due to a follower: the question, or what is new."""
    yield from _invitation(follower) if follower.confirmed_at is None else _what_is_new(follower)


def _invitation(follower: Follower) -> Iterator[mail.Letter]:
    entry = follower.entry
    if not entry.is_public:
        follower.delete()
        return
    context = {
        "title": mail.isolated(entry),
        "url": absolute_url(entry.get_absolute_url()),
        "confirm": absolute_url(confirm_address(follower)),
        "days": VALID_FOR.days,
    }
    subject = gettext("Please confirm that you want to follow %(title)s") % {"title": mail.isolated(entry)}
    number = f"confirm-{follower.pk}-{follower.asked_at:%Y%m%d%H%M}"
    message = mail.write(
        "confirm", follower.email, subject, context, number=number, thread=f"follow-{mail.thread_of(entry)}"
    )
    invited = Follower.objects.filter(pk=follower.pk)
    yield mail.Letter(message, lambda: invited.update(invited_at=timezone.now()))


def _what_is_new(follower: Follower) -> Iterator[mail.Letter]:
    unsent = Notice.unsent(About.APPROVED, follower=follower)
    public = Comment.objects.public().on(follower.entry)
    unsent.exclude(comment__in=public).delete()
    pks = list(unsent.values_list("pk", flat=True))
    if not pks:
        return
    first = unsent.filter(pk__in=pks[:MAX_COMMENTS]).select_related("comment__user", "comment__post", "comment__page")
    comments = [notice.comment for notice in first]
    shown = [comments[each] for each in mail.some([comment.text for comment in comments], MAX_COMMENTS)]
    number = len(pks)
    entry = follower.entry
    stop_here = absolute_url(stop_address(follower))
    context = {
        "shown": [
            {
                "name": mail.isolated(comment.author_name),
                "url": absolute_url(comment.get_absolute_url()),
                "text": mail.quoted(comment.text),
            }
            for comment in shown
        ],
        "more": number - len(shown),
        "title": mail.isolated(entry),
        "url": absolute_url(entry.get_absolute_url()),
        "stop": stop_here,
    }
    words = ngettext("%(n)d new comment on %(title)s", "%(n)d new comments on %(title)s", number)
    # RFC 8058: the mail program ends it with one POST of its own.
    headers = {"List_Unsubscribe": f"<{stop_here}>", "List_Unsubscribe_Post": "List-Unsubscribe=One-Click"}
    message = mail.write(
        "followed",
        follower.email,
        words % {"n": number, "title": mail.isolated(entry)},
        context,
        number=f"follow-{follower.pk}-{pks[0]}-{pks[-1]}-{number}",
        thread=f"follow-{mail.thread_of(entry)}",
        **headers,
    )
    yield mail.Letter(message, partial(_sent, pks))


def _sent(pks: list[int]) -> None:
    Notice.objects.filter(pk__in=pks).update(sent_at=timezone.now())


def forget_unconfirmed() -> int:
    """Delete addresses whose owners have not confirmed in time; returns their number."""
    late = Follower.objects.filter(confirmed_at=None, asked_at__lt=timezone.now() - VALID_FOR)
    return late.delete()[1].get("comments.Follower", 0)
