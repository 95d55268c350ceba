"""Keeping up to date what depends on public content: what is derived from entries, and cached pages."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ClassVar, Final

from django.db import models, transaction
from django.db.models import F

from core.registry import Registry

# Each updates what it derives from the entries with these IDs, in the transaction that changed them.
change_handlers: Final[Registry[Callable[[Collection[int]], object]]] = Registry("change handler")
# Each returns when public content next changes by itself, such as when a scheduled post is due.
scheduled_changes: Final[Registry[Callable[[], dt.datetime | None]]] = Registry("scheduled change")


class ContentVersion(models.Model):
    """A number that is incremented whenever public content changes, in the one row of this table.

    It is part of every cache key and ETag, so processes agree on what is out of date without communicating.
    """

    number = models.PositiveBigIntegerField(default=1)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="content_version_one_row")]

    def __str__(self) -> str:
        return str(self.number)


def content_changed() -> None:
    """Make cached pages expire when the current transaction commits, by incrementing the number once."""
    pending = transaction.get_connection().run_on_commit
    if not any(hook is _increment for _savepoints, hook, _robust in pending):
        transaction.on_commit(_increment)


def _increment() -> None:
    rows: models.QuerySet[Any] = ContentVersion.objects.filter(pk=1)
    if not rows.update(number=F("number") + 1):
        ContentVersion.objects.get_or_create(pk=1, defaults={"number": 2})


def entries_changed(ids: Collection[int]) -> None:
    """Update everything that is derived from the entries with these IDs, in the current transaction."""
    if not ids:
        return
    for handle in change_handlers.values():
        handle(ids)
    content_changed()


class PublicQuerySet[Model: "PublicModel"](models.QuerySet[Model]):
    """A query set whose writes, including `bulk_update`, make cached pages expire if they change what readers see."""

    def has_visible(self) -> bool:
        """Whether readers see any of these objects. Overridden by models that hide some of theirs."""
        return True

    def makes_visible(self, values: Mapping[str, Any]) -> bool:
        """Whether these values may make hidden objects visible. Overridden likewise."""
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
        # Checked before they count as stored, because a model may look up what is stored.
        is_public = any(obj.is_visible() for obj in objs)
        created = super().bulk_create(objs, *args, **kwargs)
        if is_public:
            content_changed()
        return created


class PublicModel(models.Model):
    """A model that readers see, except for its `private_fields`. Its managers are made from PublicQuerySet."""

    private_fields: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        abstract = True

    def is_visible(self) -> bool:
        """Whether readers see this object, as it is stored or about to be stored. Overridden like `has_visible`."""
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
