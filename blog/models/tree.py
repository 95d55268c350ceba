"""Trees of slugs: the URL path of a category or page contains the slugs of all its ancestors."""

from collections.abc import Collection
from itertools import accumulate
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.db.models import F, Max, Q
from django.db.models.functions import Length
from django.utils.translation import gettext

from core.bulk import update
from core.changes import PublicModel, PublicQuerySet, content_changed
from core.slugs import SlugNumbers, slugify

MAX_SLUG_LENGTH = 200
MAX_PATH_LENGTH = 600


class TreeQuerySet(PublicQuerySet[Any]):
    def below(self, path: str) -> Self:
        """Return the node at `path` and all its descendants."""
        return self.filter(Q(path=path) | Q(path__startswith=path + "/"))


class TreeNode(PublicModel):
    """A node with a slug and an optional parent of its own kind. `path` is `grandparent/parent/slug`.

    The path is stored, so a URL takes no query, and one prefix finds all descendants. Subclasses define the fields,
    because pages share their table with posts, which have neither parent nor path.
    """

    slug: Any
    parent: Any
    parent_id: Any
    path: Any

    slug_fallback = "untitled"
    # The field that an empty slug is made from.
    name_field: ClassVar[str]

    class Meta:
        abstract = True

    def intended_slug(self) -> str:
        """Return the slug that the node gets unless it is taken. An empty one is made from the name.

        Hyphens at its ends are removed, except by `keep_slug`.
        """
        if self.path and self.path == self.path_with(self.slug):
            return str(self.slug)
        slug = self.slug.strip("-") or slugify(getattr(self, self.name_field)) or self.slug_fallback
        return slug[:MAX_SLUG_LENGTH].strip("-")

    def keep_slug(self) -> None:
        """Make `assign_path` leave hyphens at the ends of the slug, as imported ones may have them."""
        self.path = self.path_with(self.slug)

    def slug_rivals(self) -> models.QuerySet[Any]:
        """Return the nodes that can't have the same slug."""
        rivals: models.QuerySet[Any] = self._nodes().filter(parent=self.parent).exclude(pk=self.pk)
        return rivals

    def is_taken(self, slug: str) -> bool:
        """Return whether one of its `slug_rivals` has this slug. A sibling is found by its path, which is unique."""
        return bool(self._nodes().filter(path=self.path_with(slug)).exclude(pk=self.pk).exists())

    def clean(self) -> None:
        super().clean()
        if obstacle := self._obstacle(self.parent):
            raise ValidationError({"parent": obstacle})

    def assign_path(self, also_taken: Collection[str] = (), numbers: SlugNumbers | None = None) -> None:
        """Make the slug unique, including among `also_taken`, and set the resulting path.

        Nodes that get their paths in one batch share `numbers`, because many may have the same slug.
        """
        self.slug = self.intended_slug()
        if self.slug in also_taken or self.is_taken(self.slug):
            numbers = numbers or SlugNumbers(MAX_SLUG_LENGTH)
            rivals = self.slug_rivals()
            self.slug = numbers.next_free(self.slug, rivals, scope=self.parent_id, also_taken=also_taken)
        self.path = self.path_with(self.slug)

    def lock_parent(self, old_path: str) -> None:
        """Lock the parent, if there is one, so that it can't be moved until the transaction ends.

        Raises IntegrityError if someone has just moved the parent below this node, which is stored at `old_path`.
        """
        if self.parent is None:
            return
        parents = self._nodes().filter(pk=self.parent_id).select_for_update(no_key=True)
        self.parent.path = parents.values_list("path", flat=True).first() or self.parent.path
        if old_path and self.parent.path.startswith(old_path + "/"):
            raise IntegrityError("A parent can't be below its own child.")

    def move_descendants(self, old_path: str) -> list[tuple[str, Any]]:
        """Update the stored paths of its descendants to match its own. Return each node with its old path."""
        below = self._nodes().filter(path__startswith=old_path + "/")
        # Once all are locked, nodes that were being added below them are stored as well.
        locked = list(below.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        moved = [(node.path, node) for node in below] if locked else []
        for path, node in moved:
            node.path = self.path + path[len(old_path) :]
        if moved:
            update([node for _path, node in moved], ["path"])
            content_changed()
        return moved

    def fits_under(self, parent: Any) -> bool:
        """Return whether `parent` (or None) is not below this node and no path would become too long."""
        return not self._obstacle(parent)

    def _obstacle(self, parent: Any) -> str:
        """Return why the node, with its descendants, can't have this parent (or None); empty if it can."""
        above = f"{parent.path}/" if parent is not None else ""
        longest = old_length = 0
        if old_path := self._stored_path():
            if above.startswith(old_path + "/"):
                return gettext("A parent can't be below its own child. Choose another parent.")
            below = self._nodes().filter(path__startswith=old_path + "/")
            old_length = len(old_path)
            longest = below.aggregate(longest=Max(Length("path")))["longest"] or old_length
        if len(above) + len(self.intended_slug()) + longest - old_length > MAX_PATH_LENGTH:
            return gettext("The URL would be too long. Choose a parent higher up.")
        return ""

    def path_with(self, slug: str) -> str:
        """Return the path that the node has with this slug."""
        return f"{self.parent.path}/{slug}" if self.parent else slug

    def _stored_path(self) -> str:
        return str(self._nodes().filter(pk=self.pk).values_list("path", flat=True).first() or "")

    @classmethod
    def _nodes(cls) -> Any:
        # Any: an abstract model's manager has no type of its own.
        return cls._default_manager


def paths_to(path: str) -> list[str]:
    """Return the paths of the ancestors of the node at `path`, from the top down, followed by its own."""
    return list(accumulate(path.split("/"), "{}/{}".format))


def not_its_own_parent(name: str) -> models.CheckConstraint:
    """Return the constraint against a cycle of one node. `TreeNode.clean` rejects longer cycles."""
    return models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("pk")), name=f"{name}_not_its_own_parent")
