"""Pages: undated entries at `/parent/slug/`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from blog.generated_pages import generated_pages
from blog.models.entry import Entry
from blog.models.entry_query import EntryQuerySet, KindManager
from blog.models.stored_entry import StoredEntry
from blog.models.tree import MAX_SLUG_LENGTH, TreeNode, TreeQuerySet
from core.slugs import SlugNumbers, is_reserved
from core.urls import URLTemplate

page_url = URLTemplate("blog:page", "path")


class PageQuerySet(EntryQuerySet, TreeQuerySet):  # type: ignore[override]  # each has its own as_manager
    pass


class Page(TreeNode, Entry):
    """An entry that has a place in the tree of pages instead of a date, categories and tags."""

    name_field = "title"

    objects = KindManager.from_queryset(PageQuerySet)()  # type: ignore[assignment, misc]  # of its own kind only

    class Meta:
        proxy = True
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        ordering = ("menu_order", "title", "pk")

    def get_absolute_url(self) -> str:
        return page_url(self.path)

    def clean(self) -> None:
        super().clean()
        slug = self.intended_slug()
        is_used = is_reserved(slug) or slug in generated_pages or slug.isdecimal()
        # A page that had such a path in WordPress keeps it.
        if self.parent is None and is_used and slug != self.path:
            raise ValidationError(
                {"slug": gettext("“%(slug)s” is reserved for the site itself. Choose another slug.") % {"slug": slug}}
            )

    @classmethod
    def assign_places(cls, entries: Sequence["Page"], stored: Mapping[int, StoredEntry]) -> None:
        """Give pages free slugs among their siblings, and the resulting paths."""
        given: defaultdict[int | None, set[str]] = defaultdict(set)
        numbers = SlugNumbers(MAX_SLUG_LENGTH)
        for page in entries:
            before = stored.get(page.pk)
            if before is None or (before.slug, before.parent_id, before.path) != (page.slug, page.parent_id, page.path):
                page.lock_parent(before.path or "" if before else "")
                page.assign_path(given[page.parent_id], numbers)
            given[page.parent_id].add(page.slug)

    def moved_from(self, before: StoredEntry | None) -> list[tuple[str, Any]]:
        if before is None or before.path is None:
            return [("", self)]
        if before.path == self.path:
            return []
        moved = [(before.path, self), *self.move_descendants(before.path)]
        return [(f"/{old_path}/", page) for old_path, page in moved]
