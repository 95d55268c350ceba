"""The `post.tags` manager: django-taggit's, with names matched the way our Tag model matches them."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from taggit.managers import _TaggableManager  # pinned to one minor line; tests fail if it goes away


class PostTags(_TaggableManager):  # type: ignore[misc]  # taggit ships no types
    """Adds and sets tags by name or object; `Cooperation` finds the tag `cooperation`.

    django-taggit matches names letter for letter, or by the database's idea of case, which on SQLite
    knows ASCII only. Here the tag model itself says which names are the same.
    """

    def _to_tag_model_instances(
        self, tags: Iterable[str | models.Model], tag_kwargs: dict[str, Any]
    ) -> list[models.Model]:
        tags = list(tags)
        named = self.through.tag_model()._default_manager.named([tag for tag in tags if isinstance(tag, str)])
        found = (named[tag] if isinstance(tag, str) else tag for tag in tags)
        return list(dict.fromkeys(found))
