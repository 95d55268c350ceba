"""Tags as readers and WordPress know them: one per name whatever its case, each with its own address."""

import unicodedata
from collections.abc import Iterable
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from taggit.models import ItemBase, TagBase

from accounts.slugs import free_slug, slugify, validate_slug
from blog.models import Post
from blog.site import content_changed


def tag_key(name: str) -> str:
    """What two names of the same tag have in common: `COÖPERATION ` and `coöperation` give one key.

    Done here and not by the database: SQLite knows the case of ASCII letters only.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # One letter may unfold to eighteen: the column ends where no name of a real tag does.
    return " ".join(folded.split())[:600]


class TagManager(models.Manager["Tag"]):
    def named(self, names: Iterable[str]) -> dict[str, "Tag"]:
        """The tags of these names, made where there is none yet; each name as given leads to its tag."""
        key_of = {name: tag_key(name) for name in names}
        found = {tag.key: tag for tag in self.filter(key__in=set(key_of.values()))}
        for name, key in key_of.items():
            if key not in found:
                found[key], _made = self.get_or_create(key=key, defaults={"name": " ".join(name.split())})
        return {name: found[key] for name, key in key_of.items()}

    def get_by_natural_key(self, name: str) -> "Tag":
        return self.get(key=tag_key(name))


class Tag(TagBase):  # type: ignore[misc]  # taggit ships no types
    """A tag. `key` makes it one whatever the case; the name stays as it was typed first."""

    name = models.CharField(_("name"), max_length=200)
    key = models.CharField(max_length=600, unique=True, editable=False)
    slug = models.CharField(
        _("slug"),
        max_length=200,
        unique=True,
        blank=True,
        validators=[validate_slug],
        help_text=_("The last part of the address. Empty: made from the name."),
    )
    description = models.TextField(_("description"), blank=True)

    objects = TagManager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("name", "pk")
        constraints = [
            models.CheckConstraint(condition=~Q(key=""), name="tag_key_not_empty"),
            models.CheckConstraint(condition=~Q(slug=""), name="tag_slug_not_empty"),
        ]

    def get_absolute_url(self) -> str:
        return reverse("tags:tag", args=[self.slug])

    def clean(self) -> None:
        super().clean()
        self.name = " ".join(self.name.split())
        if "," in self.name:
            raise ValidationError({"name": gettext("A comma parts tags: leave it out of the name.")})
        twin = Tag.objects.filter(key=tag_key(self.name)).exclude(pk=self.pk).first()
        if twin:
            raise ValidationError({"name": gettext("There is a tag of this name already: “%s”.") % twin.name})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with its key and a slug of its own. A slug that was changed stays as an alias."""
        with transaction.atomic():
            self.key = tag_key(self.name)
            before = Tag.objects.filter(pk=self.pk).values_list("slug", flat=True).first()
            if not self.slug:
                # `🎉` leaves nothing that can stand in an address.
                self.slug = free_slug(slugify(self.name) or "tag", Tag.objects.exclude(pk=self.pk), max_length=200)
            # TagBase.save makes slugs in another way; with one set it would only pass this on.
            models.Model.save(self, *args, **kwargs)
            TagAlias.objects.filter(slug=self.slug).delete()
            if before and before != self.slug:
                TagAlias.objects.create(slug=before, tag=self)
        content_changed()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        content_changed()
        deleted: tuple[int, dict[str, int]] = super().delete(*args, **kwargs)
        return deleted


class TagAlias(models.Model):
    """A slug that a tag once had. Its address leads to the tag for good."""

    slug = models.CharField(_("old slug"), max_length=200, unique=True, validators=[validate_slug])
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="aliases", verbose_name=_("tag"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("old address of a tag")
        verbose_name_plural = _("old addresses of tags")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        super().clean()
        if Tag.objects.filter(slug=self.slug).exists():
            raise ValidationError({"slug": gettext("A tag has this address now, so it cannot lead elsewhere.")})


class TaggedPostQuerySet(models.QuerySet["TaggedPost"]):
    def public(self) -> Self:
        """Of posts that every reader may see now."""
        return self.filter(published_at__lte=timezone.now())

    def newest_first(self) -> Self:
        return self.order_by("-published_at", "-content_object_id")


class TaggedPost(ItemBase):  # type: ignore[misc]  # taggit ships no types
    """That a post has a tag. `published_at` repeats the post's, so that a tag's page is read from one index.

    NULL: readers do not see the post. `Post.save` and `TaggedPost.save` keep it right.
    """

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="tagged_posts", verbose_name=_("tag"))
    content_object = models.ForeignKey(
        Post, on_delete=models.CASCADE, related_name="tagged_posts", verbose_name=_("post")
    )
    published_at = models.DateTimeField(null=True, editable=False)

    objects = TaggedPostQuerySet.as_manager()

    class Meta:
        verbose_name = _("tag of a post")
        verbose_name_plural = _("tags of posts")
        constraints = [models.UniqueConstraint(fields=["content_object", "tag"], name="tagged_post_once")]
        indexes = [models.Index(fields=["tag", "-published_at", "-content_object"], name="tag_newest_first")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.published_at = self.content_object.public_from
        super().save(*args, **kwargs)
        content_changed()
