"""Changes to what readers see, and keeping everything up to date that depends on it.

`entries_changed` is the one hook for saves, bulk actions and imports alike. Models that readers see inherit from
`PublicModel`, so every write to them makes cached pages expire, and no caller has to remember it.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ClassVar, Final

from django.db import models

from core.content_version import content_changed
from core.registry import Registry

type ChangeHandler = Callable[[Collection[int]], None]
type Clock = Callable[[], dt.datetime | None]

# Each updates what it derives from entries, in the transaction that changed them.
change_handlers: Final[Registry[ChangeHandler]] = Registry("change handler")
# Each returns when something that readers see changes next by itself, such as when a scheduled post is due.
scheduled_changes: Final[Registry[Clock]] = Registry("scheduled change")


def entries_changed(ids: Collection[int]) -> None:
    """Update everything that is derived from the entries with these IDs, in the current transaction."""
    if not ids:
        return
    for handle in change_handlers.values():
        handle(ids)
    content_changed()


class PublicQuerySet[Model: "PublicModel"](models.QuerySet[Model]):
    """A query set whose writes make cached pages expire, unless readers see nothing of what they change."""

    def has_visible(self) -> bool:
        """Whether readers see any of these objects. Models that hide some of theirs override this."""
        return True

    def makes_visible(self, values: Mapping[str, Any]) -> bool:
        """Whether readers may see objects with these values that were hidden before. Overridden likewise."""
        return False

    def update(self, **kwargs: Any) -> int:
        is_public = _are_public(self.model, kwargs) and (self.makes_visible(kwargs) or self.has_visible())
        count = super().update(**kwargs)
        if count and is_public:
            content_changed()
        return count

    update.alters_data = True  # type: ignore[attr-defined]  # Django's mark for templates

    def delete(self) -> tuple[int, dict[str, int]]:
        is_public = self.has_visible()
        deleted = super().delete()
        if deleted[0] and is_public:
            content_changed()
        return deleted

    delete.alters_data = True  # type: ignore[attr-defined]  # likewise
    delete.queryset_only = True  # type: ignore[attr-defined]  # Django's mark: not on the manager

    def bulk_create(self, objs: Iterable[Model], *args: Any, **kwargs: Any) -> list[Model]:
        objs = list(objs)
        # Beforehand: afterwards they count as stored, and a model may look up what is stored.
        is_public = any(obj.is_visible() for obj in objs)
        created = super().bulk_create(objs, *args, **kwargs)
        if is_public:
            content_changed()
        return created


class PublicModel(models.Model):
    """A model that readers see on the site. `private_fields` are those they do not see.

    Its managers are made from PublicQuerySet, and `bulk_update` passes through `update` there.
    """

    private_fields: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        abstract = True

    def is_visible(self) -> bool:
        """Whether readers see this object, as it is stored or as it is about to be stored.

        Models that hide some of theirs override this, and `has_visible` and `makes_visible` of their query set.
        """
        return True

    def save(self, *args: Any, **kwargs: Any) -> None:
        update_fields = kwargs.get("update_fields")
        is_public = (update_fields is None or _are_public(type(self), update_fields)) and self.is_visible()
        super().save(*args, **kwargs)
        if is_public:
            content_changed()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        is_public = self.is_visible()
        deleted = super().delete(*args, **kwargs)
        if is_public:
            content_changed()
        return deleted


def _are_public(model: type[PublicModel], fields: Iterable[str]) -> bool:
    return not model.private_fields.issuperset(fields)
