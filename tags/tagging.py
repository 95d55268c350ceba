"""The field that this app adds to posts, whose own app does not know tags, and the format of tags in text fields."""

import builtins
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db import models, transaction
from taggit.managers import TaggableManager, _TaggableManager  # pinned; a test fails if it disappears

from core.prepared import Parameter, Prepared
from core.urls import URLTemplate

tag_url = URLTemplate("tags:tag", "slug")


@Prepared
def _names_and_slugs(post_ids: Sequence[Parameter], *, through: Any) -> models.QuerySet[Any, tuple[int, str, str]]:
    rows: models.QuerySet[Any] = through.objects.filter(content_object__pk__in=post_ids)
    return rows.values_list("content_object", "tag__name", "tag__slug")


class PostTags(_TaggableManager):  # type: ignore[misc]  # taggit ships no types
    """The manager `post.tags`. It takes tags or names, ignoring case: `Cooperation` finds the tag `cooperation`.

    django-taggit leaves ignoring case to the database, which works only for ASCII on SQLite. It also looks up and
    saves each tag separately.
    """

    def add(self, *tags: str | models.Model) -> None:
        """Add `tags` to the post."""
        with transaction.atomic(savepoint=False):
            self._add_missing(self._to_tag_model_instances(tags), self._present())

    def set(
        self, tags: Iterable[str | models.Model], present: Iterable[models.Model] | None = None
    ) -> list[models.Model]:
        """Make `tags` the only tags of the post, and return them. Tags that it already has stay as they are.

        `present` are the tags that it has, if the caller has just read them.
        """
        with transaction.atomic(savepoint=False):
            chosen = self._to_tag_model_instances(tags)
            ids = self._present() if present is None else {tag.pk for tag in present}
            if ids - {tag.pk for tag in chosen}:
                # Delete everything that was not chosen, because others may have merged the tags that it had.
                self._rows().exclude(tag__in=chosen).delete()
            self._add_missing(chosen, ids)
        return chosen

    def names_and_urls(self, post_ids: Collection[int]) -> Iterator[tuple[int, str, str]]:
        """Yield the ID of each of these posts with the name and URL of each of its tags. One query."""
        for pk, name, slug in _names_and_slugs(list(post_ids), through=self.through):
            yield pk, name, tag_url(slug)

    def _present(self) -> builtins.set[int]:
        return {*self._rows().values_list("tag", flat=True)}

    def _add_missing(self, tags: list[models.Model], present: builtins.set[int]) -> None:
        self._remove_prefetched_objects()
        if missing := [tag for tag in tags if tag.pk not in present]:
            self.through._default_manager.attach([self.instance], missing)

    def _rows(self) -> Any:
        return self.through._default_manager.filter(**self._lookup_kwargs())

    def _to_tag_model_instances(self, tags: Iterable[str | models.Model]) -> list[models.Model]:
        tags = list(tags)
        named = self.through.tag_model()._default_manager.named([tag for tag in tags if isinstance(tag, str)])
        return list(dict.fromkeys(named[tag] if isinstance(tag, str) else tag for tag in tags))


class PostTagsField(TaggableManager):  # type: ignore[misc]  # as above
    """The field `post.tags`. It is private, like a generic relation, so that no migration of the blog includes it."""

    def contribute_to_class(self, cls: type[models.Model], name: str) -> None:
        self.set_attributes_from_name(name)
        self.model = cls
        self.opts = cls._meta
        cls._meta.add_field(self, private=True)
        setattr(cls, name, self)
        self.post_through_setup(cls)

    def value_from_object(self, obj: models.Model) -> list[models.Model]:
        """Return the tags of a post for its form, without a query if they were prefetched."""
        return [] if obj.pk is None else list(getattr(obj, self.name).all())


def split_tags(line: str) -> list[str]:
    """Return the names in a line such as `human rights, NGOs`, without extra spaces, empty names and repetitions."""
    names = (" ".join(name.split()) for name in line.replace("،", ",").split(","))
    return list(dict.fromkeys(name for name in names if name))


def join_tags(tags: Iterable[Any]) -> str:
    """Return the sorted names of `tags` on one line, from which `split_tags` reads the same names."""
    return ", ".join(sorted((tag.name for tag in tags), key=str.casefold))
