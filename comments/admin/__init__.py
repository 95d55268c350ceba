"""Comments in the admin."""

from comments.admin import comments, moderation, personal_data, queue, settings

__all__ = ["comments", "moderation", "personal_data", "queue", "settings"]
