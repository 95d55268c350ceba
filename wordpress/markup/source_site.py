"""The site that a text came from. The IDs in a text are those of its own site."""

from functools import cached_property

from blog.models import Entry
from wordpress.models import ImportedItem


class Origin:
    """The site that a text came from, and the ID that it had there, as far as they are known."""

    def __init__(self, site: str | None = None, wordpress_id: int = 0) -> None:
        """`site` is None if it is unknown, and `wordpress_id` 0."""
        self._site = site
        self._wordpress_id = wordpress_id

    @property
    def site(self) -> str | None:
        return self._site

    @property
    def wordpress_id(self) -> int:
        return self._wordpress_id


class OriginOfEntry(Origin):
    """Where a stored post or page was imported from. It is looked up when first needed."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self._entry = entry

    @property
    def site(self) -> str | None:
        return self._stored[0]

    @property
    def wordpress_id(self) -> int:
        return self._stored[1]

    @cached_property
    def _stored(self) -> tuple[str | None, int]:
        items = ImportedItem.objects.filter(kind=self._entry.kind, object_pk=self._entry.pk)
        return items.values_list("site", "wordpress_id").first() or (None, 0)


def origin_of(subject: object) -> Origin:
    """Return the origin of what is being rendered: of an entry, or what an import says about one not stored yet."""
    if isinstance(subject, Origin):
        return subject
    return OriginOfEntry(subject) if isinstance(subject, Entry) and subject.pk else Origin()
