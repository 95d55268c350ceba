"""What people who write may know of tags, because the tags of a hidden post tell what it is about."""

from typing import Any

from django.db.models import Exists, OuterRef

from blog.permissions import Anyone, sees_others
from tags.models import Tag, TaggedPost


def seen_rows(user: Anyone) -> Any:
    """Return the rows of the posts that `user` sees, in the admin or as a reader."""
    rows = TaggedPost.objects.all()
    return rows if sees_others(user) else rows.public() | rows.filter(content_object__author=user.pk)


def seen_tags(user: Anyone) -> Any:
    """Return the tags of these posts, and those without any post: all but those that only other people's posts have."""
    if sees_others(user):
        return Tag.objects.all()
    rows = TaggedPost.objects.filter(tag=OuterRef("pk"))
    own = rows.filter(content_object__author=user.pk)
    return Tag.objects.filter(Exists(rows.public()) | Exists(own) | ~Exists(rows))
