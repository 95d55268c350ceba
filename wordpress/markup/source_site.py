"""The site that a text came from. The IDs in a text are those of its own site."""

from dataclasses import dataclass
from typing import cast

from django.utils.functional import SimpleLazyObject

from blog.models import Entry
from wordpress.models import ImportedItem


@dataclass(frozen=True, slots=True)
class Origin:
    """The site that a text came from (None if it is unknown), and the ID that it had there (0 if it is unknown)."""

    site: str | None = None
    wordpress_id: int = 0


def origin_of(subject: object) -> Origin:
    """Return the origin of what is being rendered: of an entry, or what an import says about one not stored yet.

    That of an entry is looked up when it is first needed.
    """
    if isinstance(subject, Origin):
        return subject
    if isinstance(subject, Entry) and subject.pk:
        items = ImportedItem.objects.filter(kind=subject.kind, object_pk=subject.pk).values_list("site", "wordpress_id")
        return cast("Origin", SimpleLazyObject(lambda: Origin(*(items.first() or ()))))
    return Origin()
