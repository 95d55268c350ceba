"""Which blog a text came from: what it names by number or id is meant as that blog had it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

from blog.models import Page, Post
from wordpress.models import ImportedItem

# The site that is being brought in. What it brings is rendered before anything is remembered of it.
_brought_in: ContextVar[str | None] = ContextVar("brought_in", default=None)


@contextmanager
def bringing_in(site: str) -> Iterator[None]:
    """Meanwhile all texts that are rendered are of `site`."""
    token = _brought_in.set(site)
    try:
        yield
    finally:
        _brought_in.reset(token)


class Origin:
    """That of one post or page, looked up when it is first asked for; of anything else it is not known."""

    def __init__(self, entry: object = None) -> None:
        self._entry = entry

    @property
    def site(self) -> str | None:
        """The site; None if it is not known."""
        brought_in = _brought_in.get()
        return self._remembered[0] if brought_in is None else brought_in

    @property
    def number(self) -> int:
        """The number that the entry had there; 0 if it is not known."""
        return self._remembered[1]

    @cached_property
    def _remembered(self) -> tuple[str | None, int]:
        if not isinstance(self._entry, Post | Page) or not self._entry.pk:
            return None, 0
        items = ImportedItem.objects.filter(kind=str(self._entry._meta.model_name), object_pk=self._entry.pk)
        return items.values_list("site", "wordpress_id").first() or (None, 0)
