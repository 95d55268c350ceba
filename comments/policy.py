"""Whether an entry takes comments."""

from django.utils import timezone

from blog.models import Entry
from comments.models import CommentSettings


def is_open(entry: Entry, settings: CommentSettings) -> bool:
    """Whether readers may comment on `entry` now."""
    if entry.published_at is None or not (settings.comments_open and entry.comments_open and entry.is_public):
        return False
    limit = settings.close_comments_after_days
    return not limit or (timezone.now() - entry.published_at).days < limit
