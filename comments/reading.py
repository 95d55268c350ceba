"""The part of a thread that a request asks for."""

import re

from django.http import HttpRequest

from blog.models import Entry
from comments import sender_links
from comments.models import Comment, CommentSettings
from comments.threads import Thread, thread

# The query parameter for a reply to a comment. The name is WordPress's.
REPLY_TO = "replytocom"


def thread_for(request: HttpRequest, entry: Entry, settings: CommentSettings, *, page_number: int = 1) -> Thread:
    """Return a page of the comments on `entry`, or the page of the comment being replied to or just submitted."""
    return thread(
        entry,
        pingbacks=settings.show_pingbacks,
        per_page=settings.comments_per_page,
        page_number=page_number,
        focus=_pk(request, REPLY_TO) or _pk(request, sender_links.PK),
        own=sender_links.from_request(request),
    )


def reply_target(request: HttpRequest, comments: Thread) -> Comment | None:
    """Return the comment that the reader wants to reply to."""
    node = comments.nodes.get(_pk(request, REPLY_TO) or 0)
    return node.comment if node is not None and not node.is_unapproved else None


def _pk(request: HttpRequest, name: str) -> int | None:
    value = request.GET.get(name, "")
    return int(value) if re.fullmatch("[0-9]{1,18}", value) else None
