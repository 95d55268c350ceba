"""Rendering the HTML of comments again."""

from collections.abc import Callable

from django.db import transaction

from blog.rerendering import RerenderResult
from comments.changes import comments_changed
from comments.models import Comment
from comments.text import comment_html

_BATCH = 500


def rerender_comments(result: RerenderResult, *, progress: Callable[[int], None]) -> None:
    """Render all comments again and count them in `result`, like blog.rerendering.rerender."""
    comments = Comment.objects.order_by("pk").only("text", "is_html", "html")
    last = 0
    while batch := list(comments.filter(pk__gt=last)[:_BATCH]):
        last = batch[-1].pk
        with transaction.atomic():
            for comment in batch:
                html = str(comment_html(comment.text, comment.is_html))
                unchanged = Comment.objects.filter(pk=comment.pk, text=comment.text)
                if html != comment.html and unchanged.update(html=html):
                    result.changed += 1
                    comments_changed([comment.pk])
                else:
                    result.unchanged += 1
        progress(result.processed)
