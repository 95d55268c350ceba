"""An active newsletter, its subscribers, and new posts."""

import datetime as dt
from typing import Any

from django.utils import timezone

from blog.models import Post
from newsletter.models import Frequency, NewsletterSettings, Period, Subscriber, Subscription
from tests.factories.models import PostFactory


def turn_on(*, days: float = 12) -> None:
    """Let readers follow by e-mail, as if enabled this many days ago."""
    now = timezone.localtime()
    # No daily or weekly e-mail is due for hours, whatever the time of day.
    hour = (now.hour + 12) % 24
    NewsletterSettings(is_on=True, on_since=now - dt.timedelta(days=days), hour=hour).save()


def subscribe(email: str = "amina@example.org", frequency: str = Frequency.IMMEDIATELY, **topic: Any) -> Subscription:
    """Create a confirmed subscription, to all posts unless there is a topic."""
    subscriber, _created = Subscriber.objects.get_or_create(email=email)
    return Subscription.objects.create(subscriber=subscriber, frequency=frequency, **topic)


def news(*, ago: dt.timedelta = dt.timedelta(minutes=10), **values: Any) -> Post:
    """Create a post that was published a short time ago."""
    post: Post = PostFactory.create(**{"published_at": timezone.now() - ago, **values})
    return post


def move_marks(**ago: float) -> None:
    """Act as if issues had last been made this long ago."""
    Period.objects.update(until=timezone.now() - dt.timedelta(**ago))
