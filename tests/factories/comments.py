"""Comments as readers send them, and as they are stored."""

from typing import Any

from django.urls import reverse

from blog.models import Page, Post
from comments.models import Comment, CommentPolicy, CommentSettings
from comments.moderation.submission import submit

FORM_DATA = {"name": "Ann", "email": "ann@example.org", "website": "", "text": "Well said.", "subject": ""}


def form_url(entry: Post | Page) -> str:
    return reverse("comments:add", args=["post" if isinstance(entry, Post) else "page", entry.pk])


def send(post: Post, policy: CommentPolicy = CommentPolicy.HOLD, **words: Any) -> Comment:
    """Submit a comment of Ann's, which waits for a moderator unless the policy lets it pass."""
    given = {"name": "Ann", "email": "ann@example.org", "text": "Hello.", **words}
    return submit(post, settings=CommentSettings(comment_policy=policy, proof_of_work=False), **given)


def status(comment: Comment) -> str:
    """Return the status that is stored."""
    return Comment.objects.get(pk=comment.pk).status
