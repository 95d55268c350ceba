"""Changes to categories that can be undone (blog.curation)."""

from django.utils.translation import gettext_lazy as _

from blog.models.curation import UndoableChange


class CategoryChange(UndoableChange):
    """Categories that were merged, or whose posts were moved to another."""

    class Meta(UndoableChange.Meta):
        verbose_name = _("change to categories")
        verbose_name_plural = _("changes to categories")
        # Anyone who may delete categories can see and undo them.
        default_permissions = ()
