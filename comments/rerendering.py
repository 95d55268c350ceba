"""Rendering the HTML of comments again."""

from collections.abc import Callable

from django.db import transaction

from blog.rerendering import RerenderResult
from comments.changes import comments_changed
from comments.models import Comment
from comments.text import comment_html
from core.bulk import batches

_BATCH = 500


def rerender_comments(result: RerenderResult, *, progress: Callable[[int], None]) -> None:
    """Render all comments again and count them in `result`, like blog.rerendering.rerender."""
    for batch in batches(Comment.objects.only("text", "is_html", "html"), _BATCH):
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
