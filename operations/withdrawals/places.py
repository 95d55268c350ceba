"""Where a name can be: every column with text in every table, unless it is listed here with a reason.

A new table is therefore covered automatically.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.apps import apps
from django.db import models

from operations.withdrawals.matching import Name

# Tables that are left alone.
_UNTOUCHED: Final = frozenset(
    {
        # Names that belong to Broadside itself.
        *("auth.permission", "auth.group", "contenttypes.contenttype"),
        # Secrets, hashes and signed values, which contain no readable name.
        *("accounts.session", "accounts.passwordlink", "accounts.emergencylink", "sessions.session"),
        *("mfa.authenticator", "account.emailaddress", "account.emailconfirmation"),
        # The withdrawals themselves.
        *("operations.withdrawal", "operations.withdrawnrow", "operations.goneurl"),
    }
)
# Columns that are left alone: log-in data, which readers never see, and passwords of posts.
UNTOUCHED_FIELDS: Final = frozenset(
    {
        *("accounts.user.username", "accounts.user.email", "accounts.user.first_name", "accounts.user.last_name"),
        *("accounts.user.password", "blog.entry.password"),
    }
)
# Tables whose rows are deleted, because without the name they mean nothing, or something else.
_DELETED: Final = frozenset(
    {
        *("blog.redirect", "tags.tagalias", "tags.formername", "comments.token", "comments.lesson", "comments.block"),
        *("comments.follower", "comments.sentmention", "readers.referrercount", "accounts.portrait"),
    }
)
# The tables that come first: those that others refer to, then those that readers see.
_FIRST: Final = (
    *("media.picture", "media.document", "wordpress.fragment", "tags.tag", "blog.category", "accounts.user"),
    *("blog.entry", "comments.comment"),
)
# Columns and JSON keys whose values are slugs or URLs even if they don't look like it.
_URLS: Final = frozenset(
    {
        *("slug", "path", "former_slugs", "former_path", "url", "link", "guid", "website", "site", "writing"),
        *("wp:post_name", "wp:tag_slug"),
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """A table with the columns that may contain a name."""

    model: type[models.Model]
    fields: tuple[models.Field[Any, Any], ...]

    @property
    def label(self) -> str:
        return self.model._meta.label_lower

    @property
    def names(self) -> list[str]:
        return [field.attname for field in self.fields]

    @property
    def is_deleted(self) -> bool:
        """Whether rows with the name are deleted, because they make no sense without it."""
        return self.label in _DELETED

    @property
    def has_files(self) -> bool:
        return any(isinstance(field, models.FileField) for field in self.fields)

    @property
    def rows(self) -> models.QuerySet[Any]:
        return self.model._base_manager.order_by("pk")

    def read(self, after: Any, limit: int) -> list[tuple[Any, dict[str, Any]]]:
        """Return the next rows after this primary key, each with its own key and its columns."""
        rows = self.rows if after is None else self.rows.filter(pk__gt=after)
        found = rows.values_list("pk", *self.names)[:limit]
        return [(pk, dict(zip(self.names, values, strict=True))) for pk, *values in found]

    def may_have(self, name: Name, values: Mapping[str, Any]) -> bool:
        """Return False only if certainly none of the columns contains the name."""
        return any(name.may_be_in(text) for _column, text in self.texts(values))

    def replace(self, name: Name, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the columns that change, with their new values, or None if the row has to be deleted."""
        changed: dict[str, Any] = {}
        for field in self.fields:
            old = values[field.attname]
            new = _replace(name, old, is_url=field.name in _URLS or isinstance(field, models.FileField))
            if new == old:
                continue
            if self.is_deleted or field.primary_key:
                return None
            if isinstance(field, models.EmailField):
                # An address with a part replaced is no longer valid.
                if not field.blank:
                    return None
                new = ""
            changed[field.attname] = new[: field.max_length] if isinstance(new, str) else new
        return changed

    def texts(self, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the name of each column and each text in it."""
        for field in self.fields:
            yield from ((field.name, text) for text in _texts(values[field.attname]))


@cache
def places() -> Sequence[Place]:
    """Return all places, in the order in which they are processed."""
    found = [place for model in apps.get_models(include_auto_created=True) if (place := _place(model)).fields]
    order = {label: index for index, label in enumerate(_FIRST)}
    return sorted(found, key=lambda place: (order.get(place.label, len(order)), place.label))


def _place(model: type[models.Model]) -> Place:
    options = model._meta
    if options.proxy or not options.managed or options.label_lower in _UNTOUCHED:
        return Place(model, ())
    return Place(model, tuple(field for field in options.concrete_fields if _may_hold_text(field)))


def _may_hold_text(field: models.Field[Any, Any]) -> bool:
    text = (models.CharField, models.TextField, models.JSONField, models.FileField)
    label = f"{field.model._meta.label_lower}.{field.name}"
    return isinstance(field, text) and not field.choices and label not in UNTOUCHED_FIELDS


def _replace(name: Name, value: Any, *, is_url: bool) -> Any:
    """Return a value with the name replaced, including within lists and dictionaries."""
    match value:
        case str():
            return name.replace(value, is_url=is_url)
        case list():
            return [_replace(name, item, is_url=is_url) for item in value]
        case dict():
            return {name.replace(key): _replace(name, item, is_url=key in _URLS) for key, item in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for key, item in value.items():
                yield key
                yield from _texts(item)
