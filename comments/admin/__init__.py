"""Comments in the admin."""

from comments.admin import comments, personal_data, queue, settings

__all__ = ["comments", "personal_data", "queue", "settings"]
