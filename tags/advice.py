"""Advice about the tags of a text before it is published."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from django.utils.translation import ngettext

from blog.editing.advice import Draft
from blog.models import Post
from tags.twins import twins_of_new

_MAX_NAMED: Final = 5


def check_twins(draft: Draft) -> Iterator[str]:
    """Suggest an existing tag in place of a new one that is probably another spelling of it."""
    if not isinstance(draft.entry, Post):
        return
    for name, tag, count in islice(twins_of_new(draft.tags, draft.entry), _MAX_NAMED):
        yield ngettext(
            "“%(name)s” is nearly the same as the tag “%(tag)s” (used %(count)d time). Use that one?",
            "“%(name)s” is nearly the same as the tag “%(tag)s” (used %(count)d times). Use that one?",
            count,
        ) % {"name": name, "tag": tag, "count": count}
