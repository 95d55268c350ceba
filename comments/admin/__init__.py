"""Comments in the admin."""

from comments.admin.blocklist import BlockAdmin
from comments.admin.comments import CommentAdmin
from comments.admin.decisions import DecisionAdmin
from comments.admin.notifications import NotificationPreferenceAdmin
from comments.admin.personal_data import ErasureAdmin
from comments.admin.queue import QueueAdmin
from comments.admin.settings import CommentSettingsAdmin

__all__ = [
    "BlockAdmin",
    "CommentAdmin",
    "CommentSettingsAdmin",
    "DecisionAdmin",
    "ErasureAdmin",
    "NotificationPreferenceAdmin",
    "QueueAdmin",
]
