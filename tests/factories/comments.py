"""Comments as readers submit them, and their stored status."""

from typing import Any

from django.urls import reverse

from blog.models import Page, Post
from comments.models import Comment, CommentPolicy, CommentSettings
from comments.moderation.submission import submit

FORM_DATA = {"name": "Ann", "email": "ann@example.org", "website": "", "text": "Well said.", "subject": ""}


def form_url(entry: Post | Page) -> str:
    return reverse("comments:add", args=["post" if isinstance(entry, Post) else "page", entry.pk])


def send(post: Post, policy: CommentPolicy = CommentPolicy.HOLD, **fields: Any) -> Comment:
    """Submit a comment by Ann. It is held for moderation unless the policy allows otherwise."""
    submitted = {"name": "Ann", "email": "ann@example.org", "text": "Hello.", **fields}
    return submit(post, settings=CommentSettings(comment_policy=policy, proof_of_work=False), **submitted)


def status(comment: Comment) -> str:
    """Return the stored status."""
    return Comment.objects.get(pk=comment.pk).status
