"""Redirects from an object's former paths to its current one."""

import unicodedata
from collections.abc import Iterable
from typing import Any, Final, Self
from urllib.parse import unquote

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.changes import PublicModel, PublicQuerySet
from core.text import remove_unstorable
from media.models import Document, Picture

MAX_LENGTH: Final = 650
TARGETS: Final = ("entry", "category", "author", "picture", "document")
# The end of a folder's path.
_REST: Final = "*"


def _exactly_one_target() -> Q:
    return Q(*(Q(**{f"{name}__isnull": name != chosen for name in TARGETS}) for chosen in TARGETS), _connector=Q.OR)


def _folder_without_target() -> Q:
    return Q(path__endswith=f"/{_REST}", **{f"{name}__isnull": True for name in TARGETS})


class RedirectQuerySet(PublicQuerySet["Redirect"]):
    def with_targets(self) -> Self:
        """Load the columns that the URLs of the targets are made from, in the same query."""
        entry = ("kind", "status", "slug", "published_at", "published_on", "path")
        columns = [f"entry__{column}" for column in entry]
        columns += ["category__path", "author__slug", "picture__file", "document__file"]
        # Django's ImageField reads these when a picture is loaded.
        columns += ["picture__width", "picture__height"]
        return self.select_related(*TARGETS).only("path", *TARGETS, *columns)


class Redirect(PublicModel):
    """A path that once led to its target. It is only looked up if no page has the path now.

    Without a target, it is a folder that the blog used to be in, such as `/blog/*`: every URL below it redirects to the
    same URL without the folder.
    """

    # Decoded and with its slashes, as in `/2014/02/10/slug/`. Or one of WordPress's forms with an ID, as in `/?cat=5`,
    # or the path of another program's script with its query, as in `/spip.php?article12`.
    path = models.CharField(_("path"), max_length=MAX_LENGTH, unique=True)
    entry = models.ForeignKey("blog.Entry", null=True, on_delete=models.CASCADE, related_name="redirects")
    category = models.ForeignKey("blog.Category", null=True, on_delete=models.CASCADE, related_name="redirects")
    author = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="redirects")
    picture = models.ForeignKey(Picture, null=True, on_delete=models.CASCADE, related_name="redirects")
    document = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="redirects")

    objects = RedirectQuerySet.as_manager()

    class Meta:
        verbose_name = _("redirect")
        verbose_name_plural = _("redirects")
        ordering = ("path",)
        constraints = [
            models.CheckConstraint(
                condition=_exactly_one_target() | _folder_without_target(), name="redirect_to_one_target_or_front"
            )
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def target(self) -> models.Model | None:
        """The object that the path leads to."""
        return self.entry or self.category or self.author or self.picture or self.document

    @property
    def folder(self) -> str:
        """The folder that this row stands for, with its slashes; empty if it is a redirect to a target."""
        has_target = any(getattr(self, f"{name}_id") for name in TARGETS)
        return "" if has_target else self.path.removesuffix(_REST)

    @property
    def url(self) -> str:
        """The URL to redirect readers to; empty if the target is not public."""
        if self.folder:
            return reverse("blog:front")
        if upload := self.picture or self.document:
            return str(upload.file.url)
        if self.entry:
            return self.entry.get_absolute_url() if self.entry.is_public else ""
        listing = self.category or self.author
        return listing.get_absolute_url() if listing else ""


def normalise_path(path: str) -> str:
    """Return `path` as redirects store it: percent-decoded, composed (NFC) and storable."""
    return remove_unstorable(unicodedata.normalize("NFC", unquote(path)))


def add_redirects(pairs: Iterable[tuple[str, models.Model]], *, replace: bool = True) -> None:
    """Redirect each path to the entry, category, author, picture or document in the pair.

    Existing redirects are replaced, or stay if `replace` is False. Takes one statement per thousand paths.
    """
    rows = {normalise_path(path): target for path, target in pairs}
    # No URL of the site was ever longer than the column.
    redirects = [
        Redirect(path=path, **{target_name(target): target}) for path, target in rows.items() if len(path) <= MAX_LENGTH
    ]
    if redirects and replace:
        Redirect.objects.bulk_create(
            redirects, batch_size=1000, update_conflicts=True, unique_fields=["path"], update_fields=list(TARGETS)
        )
    elif redirects:
        Redirect.objects.bulk_create(redirects, batch_size=1000, ignore_conflicts=True)


def folder_path(folder: str) -> str:
    """Return the path of the row for a folder such as `/blog/` or `/blog/*`."""
    return f"{normalise_path(folder).rstrip(f'/{_REST}')}/{_REST}"


def is_folder_path(path: str) -> bool:
    return path.endswith(f"/{_REST}") and path != f"/{_REST}"


def add_folder(folder: str) -> bool:
    """Redirect a former folder of the blog, such as `/blog/` or `/blog/*`, to the root. Return whether it is new.

    A redirect from the folder itself is removed, so that it leads to the front page unless it is redirected again.
    """
    path = folder_path(folder)
    if len(path) > MAX_LENGTH or Redirect.objects.filter(path=path).exists():
        return False
    itself = path.removesuffix(_REST)
    remove_redirects([itself, itself.rstrip("/")])
    Redirect.objects.bulk_create([Redirect(path=path)])
    return True


def remove_redirects(paths: Iterable[str]) -> None:
    """Remove the redirects from `paths`, which other objects have now."""
    Redirect.objects.filter(path__in=[normalise_path(path) for path in paths]).delete()


def target_name(target: Any) -> str:
    """Return the name of the field in TARGETS for `target`."""
    if isinstance(target, User):
        return "author"
    # A post or page is stored as an entry.
    return str(target._meta.concrete_model._meta.model_name)
