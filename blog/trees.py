"""Trees by path: categories and pages know the whole path of their address."""

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Length
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.slugs import free_slug, slugify
from blog.site import content_changed

MAX_PATH_LENGTH = 600


class TreeQuerySet(models.QuerySet[Any]):
    def below(self, node: "TreeNode") -> Self:
        """`node` itself and all that stands under it."""
        return self.filter(Q(path=node.path) | Q(path__startswith=node.path + "/"))


class TreeNode(models.Model):
    """Something with a slug under a parent of its own kind. `path` is `grandparent/parent/slug`.

    The path is stored, so an address costs no query and the descendants are one range of it.
    """

    slug: Any
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
        verbose_name=_("parent"),
        help_text=_("Empty: at the top."),
    )
    path = models.CharField(max_length=MAX_PATH_LENGTH, unique=True, editable=False)

    slug_fallback = "untitled"

    class Meta:
        abstract = True

    def words_for_slug(self) -> str:
        """What a slug is made of when none was typed."""
        raise NotImplementedError

    def slug_rivals(self) -> models.QuerySet[Any]:
        """Those that may not have the same slug."""
        rivals: models.QuerySet[Any] = self._kind().filter(parent=self.parent).exclude(pk=self.pk)
        return rivals

    def clean(self) -> None:
        super().clean()
        if self.parent is None:
            return
        if self.pk and (self.parent.path + "/").startswith(self._stored_path() + "/"):
            raise ValidationError({"parent": gettext("This would put it under itself. Choose another parent.")})
        if len(self.parent.path) + 1 + len(self.slug) > MAX_PATH_LENGTH:
            raise ValidationError({"parent": gettext("The address would be too long. Choose a higher parent.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            wanted = self.slug or slugify(self.words_for_slug()) or self.slug_fallback
            self.slug = free_slug(wanted, self.slug_rivals(), max_length=200)
            before = self._stored_path()
            self.path = f"{self.parent.path}/{self.slug}" if self.parent else self.slug
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "slug", "path"}
            super().save(*args, **kwargs)
            if before != self.path:
                moved = self._move_descendants(before) if before else []
                self.keep_old_addresses([(before, self), *moved])
        content_changed()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        content_changed()
        return super().delete(*args, **kwargs)

    def _stored_path(self) -> str:
        stored: str | None = self._kind().filter(pk=self.pk).values_list("path", flat=True).first()
        return stored or ""

    def keep_old_addresses(self, moved: list[tuple[str, Any]]) -> None:
        """Let the path that each node had lead to it. The first is this one's, empty if it is new."""
        raise NotImplementedError

    def _move_descendants(self, before: str) -> list[tuple[str, Any]]:
        """Give those below it their new paths; returns each with its old one."""
        moved = [(node.path, node) for node in self._kind().filter(path__startswith=before + "/")]
        for old_path, node in moved:
            node.path = self.path + old_path[len(before) :]
        self._kind().bulk_update([node for _old, node in moved], ["path"])
        return moved

    def fits_under(self, parent: Any) -> bool:
        """Whether it may stand under `parent`, or at the top: not under itself, and with addresses short enough."""
        before = self._stored_path()
        if parent is not None and (parent.path + "/").startswith(before + "/"):
            return False
        below = self._kind().filter(path__startswith=before + "/")
        longest = below.aggregate(longest=Max(Length("path")))["longest"] or len(before)
        above = len(parent.path) + 1 if parent is not None else 0
        return above + len(self.slug) + longest - len(before) <= MAX_PATH_LENGTH

    @classmethod
    def _kind(cls) -> Any:
        # Any: types of an abstract model's own tree cannot be worked out.
        return cls._default_manager


def not_its_own_parent(name: str) -> models.CheckConstraint:
    """The part of "no circles" that a database can hold; `clean` refuses the longer ones."""
    return models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("pk")), name=f"{name}_not_its_own_parent")
