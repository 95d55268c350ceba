"""Comments, their moderation, the spam filter, e-mail notifications, personal data and settings."""

from comments.models.comment import (
    MAX_NAME_LENGTH,
    MAX_TEXT_LENGTH,
    Comment,
    CommentKind,
    CommentQuerySet,
    CommentStatus,
)
from comments.models.filter import Lesson, RateCount, SpentChallenge, Token
from comments.models.moderation import Block, Decision, Erasure, Queue, Revision
from comments.models.notifications import Event, Follower, Notification, NotificationPreference, OutboxItem
from comments.models.settings import MIN_COMMENTS_PER_PAGE, CommentPolicy, CommentSettings
from comments.models.webmentions import MAX_TARGET_LENGTH, SentMention

__all__ = ["MAX_NAME_LENGTH", "MAX_TEXT_LENGTH", "Comment", "CommentKind", "CommentQuerySet", "CommentStatus"]
__all__ += ["Lesson", "RateCount", "SpentChallenge", "Token"]
__all__ += ["Block", "Decision", "Erasure", "Queue", "Revision"]
__all__ += ["Event", "Follower", "Notification", "NotificationPreference", "OutboxItem"]
__all__ += ["MIN_COMMENTS_PER_PAGE", "CommentPolicy", "CommentSettings"]
__all__ += ["MAX_TARGET_LENGTH", "SentMention"]
