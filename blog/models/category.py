"""Categories: a tree of terms under which posts are filed."""

from collections.abc import Collection, Iterable
from typing import Any, Self

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from blog.models.curation import TermChange
from blog.models.post_in_category import PostInCategory
from blog.models.redirect import add_redirects, remove_redirects
from blog.models.tree import MAX_PATH_LENGTH, TreeNode, TreeQuerySet, not_its_own_parent
from core.changes import entries_changed
from core.prepared import Parameter
from core.slugs import slug_field
from core.urls import URLTemplate

category_url = URLTemplate("blog:category", "path")


class CategoryQuerySet(TreeQuerySet):
    def known(self, now: Parameter | None = None) -> Self:
        """Return the categories that readers may know: all but those that list only hidden posts.

        As in WordPress, an unused category has an empty page, because texts may link to it. A page that lists only
        hidden posts would confirm a name that someone guesses. Prepared queries take the time as a parameter.
        """
        filed = Category._meta.get_field("posts").through._default_manager.filter(category=OuterRef("pk"))  # type: ignore[union-attr]  # a relation
        is_below = Q(pk=OuterRef("pk")) | Q(path__startswith=Concat(OuterRef("path"), Value("/")))
        has_public_posts = Exists(PostInCategory.objects.public(now).filter(category=OuterRef("pk")))
        return self.filter(has_public_posts | ~Exists(Category.objects.filter(is_below, Exists(filed))))

    def locked(self, ids: Collection[int]) -> "dict[int, Category]":
        """Return the categories with these IDs, locked after their posts, in the same order as when a post is saved."""
        PostInCategory.objects.lock_posts(_posts_filed_under(ids))
        return {each.pk: each for each in self.filter(pk__in=ids).select_for_update().order_by("pk")}

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            Category.objects.locked([each.pk for each in self])
            filed = _posts_filed_under(self)
            deleted = super().delete()
            entries_changed(filed, have_same_texts=True)
        return deleted

    delete.alters_data = delete.queryset_only = True  # type: ignore[attr-defined]  # neither in templates nor on managers


class Category(TreeNode):
    """A term under which posts are filed. As in WordPress, its page also shows the posts of its children."""

    name_field = "name"

    name = models.CharField(_("name"), max_length=200)
    slug = slug_field(_("The last part of the URL. Leave empty to use the name."))
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
        verbose_name=_("parent"),
        help_text=_("Leave empty for a top-level category."),
    )
    path = models.CharField(max_length=MAX_PATH_LENGTH, unique=True, editable=False)
    description = models.TextField(_("description"), blank=True)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("name", "pk")
        constraints = [not_its_own_parent("category")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return category_url(self.path)

    def slug_rivals(self) -> models.QuerySet[Any]:
        return Category.objects.exclude(pk=self.pk)

    def is_taken(self, slug: str) -> bool:
        return self.slug_rivals().filter(slug=slug).exists()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it with its path, update the paths and listings of its descendants, and redirect its old slug."""
        with transaction.atomic():
            old_path = self._stored_path()
            if self._has_new_parent(old_path):
                # The posts are locked before any category, in the same order as when one of them is saved.
                PostInCategory.objects.lock_posts(_posts_filed_under(Category.objects.below(old_path)))
            self.lock_parent(old_path)
            self.assign_path()
            has_new_parent = self._has_new_parent(old_path)
            super().save(*args, **kwargs)
            if old_path and old_path != self.path:
                self.move_descendants(old_path)
            if has_new_parent:
                # Queried again, to include posts that were filed while this waited.
                PostInCategory.objects.update_posts(_posts_filed_under(Category.objects.below(self.path)))
            # Only a new slug needs a redirect: a category is found by the last part of any path (blog.redirects).
            old_slug = old_path.rpartition("/")[2]
            if old_slug != self.slug:
                remove_redirects([f"/category/{self.slug}/"])
                if old_slug:
                    add_redirects([(f"/category/{old_slug}/", self)])

    def _has_new_parent(self, old_path: str) -> bool:
        """Whether the category, which is stored at `old_path` if at all, is saved below another path."""
        return bool(old_path) and old_path.rpartition("/")[0] != (self.parent.path if self.parent else "")

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            Category.objects.locked([self.pk])
            filed = _posts_filed_under([self])
            deleted = super().delete(*args, **kwargs)
            entries_changed(filed, have_same_texts=True)
        return deleted


def _posts_filed_under(categories: Iterable[Category | int]) -> list[int]:
    through: Any = Category._meta.get_field("posts").through
    return list(through._default_manager.filter(category__in=categories).values_list("entry", flat=True).distinct())


class CategoryTwins(models.Model):
    """Two categories with nearly the same name that someone has marked as different (blog.twins)."""

    first = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("duplicate categories")
        verbose_name_plural = _("duplicate categories")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="category_twins_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="category_twins_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.first} / {self.second}"


class CategoryChange(TermChange):
    """Categories that were merged, or whose posts were moved to another (blog.curation)."""

    class Meta(TermChange.Meta):
        verbose_name = _("change to categories")
        verbose_name_plural = _("changes to categories")
        # Anyone who may delete categories can see and undo them.
        default_permissions = ()
