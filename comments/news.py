"""What there is to tell, from the moment it happens until each who is told of it has a notice to be sent.

Noting costs whoever writes or decides one row; everything else is done by the worker.
"""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from blog.site import SiteSettings
from comments import mail
from comments.models import Comment, Status
from comments.recipients import About, Follower, News, Notice, NoticePreference

# A moment is waited for what comes at the same time.
SETTLE = dt.timedelta(minutes=5)
BATCH = 200

_ABOUT: dict[str, About] = {Status.PENDING: About.WAITING, Status.APPROVED: About.APPROVED}


def note(comments: Iterable[Comment]) -> None:
    """Have people told of `comments` that wait now or are approved: in this transaction, or not at all.

    Of spam and of imported comments nobody is told.
    """
    _store(
        News(comment_id=comment.pk, about=_ABOUT[comment.status]) for comment in comments if comment.status in _ABOUT
    )


def note_approved(pks: Iterable[int]) -> None:
    """As `note`, for the comments of these keys, which are approved now."""
    _store(News(comment_id=pk, about=About.APPROVED) for pk in pks)


def _store(news: Iterable[News]) -> None:
    if not mail.is_on():
        return
    noted = list(news)
    if noted:
        News.objects.bulk_create(noted, batch_size=BATCH, ignore_conflicts=True)
        mail.wake_worker(timezone.now() + SETTLE)


def spread() -> None:
    """Make a notice for each who is to be told of what was noted. Several workers at once make each once."""
    while _spread_some(timezone.now() - SETTLE):
        pass


def next_at() -> dt.datetime | None:
    """When there is something to spread; None if there is nothing."""
    oldest = News.objects.order_by("made_at").values_list("made_at", flat=True).first()
    return None if oldest is None else oldest + SETTLE


def _spread_some(until: dt.datetime) -> bool:
    with transaction.atomic():
        news = list(News.objects.select_for_update().filter(made_at__lte=until).order_by("pk")[:BATCH])
        numbers = {about: [each.comment_id for each in news if each.about == about] for about in About}
        written_here = Comment.objects.filter(is_imported=False).order_by("pk")
        waiting = written_here.filter(pk__in=numbers[About.WAITING], status=Status.PENDING)
        approved = written_here.public().filter(pk__in=numbers[About.APPROVED])
        notices = [*_for_moderators(waiting), *_for_authors(approved), *_for_followers(approved)]
        Notice.objects.bulk_create(notices, batch_size=BATCH, ignore_conflicts=True)
        News.objects.filter(pk__in=[each.pk for each in news]).delete()
    return bool(news)


def preferences(users: Iterable[User]) -> "list[NoticePreference]":
    """The preferences of `users`, made where there are none yet."""
    pks = [user.pk for user in users]
    there = set(NoticePreference.objects.filter(user__in=pks).values_list("user", flat=True))
    missing = [NoticePreference(user_id=pk) for pk in pks if pk not in there]
    NoticePreference.objects.bulk_create(missing, ignore_conflicts=True)
    return list(NoticePreference.objects.filter(user__in=pks).order_by("pk"))


def _for_moderators(comments: Iterable[Comment]) -> Iterable[Notice]:
    comments = list(comments)
    if not comments:
        return
    moderators = User.objects.with_perm("comments.moderate_comment").filter(is_staff=True).exclude(email="")
    for preference in preferences(moderators):
        if preference.pace != NoticePreference.Pace.NEVER:
            for comment in comments:
                yield Notice(comment=comment, about=About.WAITING, moderator=preference)


def _for_authors(comments: Iterable[Comment]) -> Iterable[Notice]:
    """Post authors who want it are told what others wrote. Source: WordPress's "Anyone posts a comment"."""
    of_posts = [comment for comment in comments if comment.post_id]
    authors = NoticePreference.objects.filter(own_posts=True, user__posts__comments__in=of_posts)
    wanted = {preference.user_id: preference for preference in authors.distinct()}
    for comment in of_posts if wanted else ():
        author = comment.post.author_id if comment.post else None
        if author in wanted and comment.user_id != author:
            yield Notice(comment=comment, about=About.APPROVED, moderator=wanted[author])


def _for_followers(comments: Iterable[Comment]) -> Iterable[Notice]:
    """Whoever follows is told what others wrote."""
    if not SiteSettings.current().follow_by_mail:
        return
    for comment in comments:
        followers = Follower.objects.confirmed().filter(post=comment.post_id, page=comment.page_id)
        for follower in followers.exclude(email=_address(comment)).only("pk").iterator(BATCH):
            yield Notice(comment=comment, about=About.APPROVED, follower=follower)


def _address(comment: Comment) -> str:
    return comment.email.lower()
