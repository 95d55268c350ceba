"""The moderators' desk. What a decision does stands in comments.moderation, not here."""

from comments.admin.blocks import BlockAdmin
from comments.admin.comments import CommentAdmin
from comments.admin.decisions import DecisionAdmin
from comments.admin.erasure import ErasureAdmin
from comments.admin.notices import NoticePreferenceAdmin
from comments.admin.queue import QueueAdmin

__all__ = ["BlockAdmin", "CommentAdmin", "DecisionAdmin", "ErasureAdmin", "NoticePreferenceAdmin", "QueueAdmin"]
