"""Which part of a thread a request asks for."""

import re

from django.http import HttpRequest

from blog.models import Page, Post
from blog.site import SiteSettings
from comments import waiting
from comments.models import Comment
from comments.threads import Thread, thread


def thread_for(request: HttpRequest, entry: Post | Page, site: SiteSettings, *, number: int = 1) -> Thread:
    """Page `number` of the comments on `entry`; or the page of the comment that is answered or was just sent."""
    return thread(
        entry,
        pingbacks=site.show_pingbacks,
        per_page=site.comments_per_page,
        number=number,
        focus=_number(request, "replytocom") or _number(request, waiting.NUMBER),
        waiting=waiting.from_request(request),
    )


def answered(request: HttpRequest, comments: Thread) -> Comment | None:
    """The comment that the reader wants to answer. The parameter's name is WordPress's."""
    node = comments.nodes.get(_number(request, "replytocom") or 0)
    return node.comment if node is not None and not node.waiting else None


def _number(request: HttpRequest, name: str) -> int | None:
    number = request.GET.get(name, "")
    return int(number) if re.fullmatch("[0-9]{1,18}", number) else None
