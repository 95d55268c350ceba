"""Tags as in WordPress: one for each name, ignoring case, with a slug of its own."""

import unicodedata
from collections.abc import Collection, Iterable
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from taggit.models import ItemBase, TagBase

from blog.models import Post, Status
from core.changes import PublicModel, PublicQuerySet
from core.slugs import free_slug, free_slugs, slug_field, slugify, validate_slug
from tags.tagging import PostTags, PostTagsField

# For names such as `🎉`, from which no slug can be made.
_FALLBACK_SLUG = "tag"
_MAX_LENGTH = 200


def tag_key(name: str) -> str:
    """Return the key that identifies the tag of `name`: `COÖPERATION ` and `coöperation` have the same key.

    The database can't do this, as SQLite ignores the case of ASCII letters only.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # Normalising can turn one letter into eighteen, so the key is cut to the length of its column.
    return " ".join(folded.split())[:600]


class TagQuerySet(PublicQuerySet["Tag"]):
    def named(self, names: Iterable[str]) -> dict[str, "Tag"]:
        """Return the tag for each name, and create tags that don't exist yet, in at most six statements."""
        key_of = {name: tag_key(name) for name in names}
        found = {tag.key: tag for tag in self.filter(key__in=set(key_of.values()))}
        missing: dict[str, str] = {}
        for name, key in key_of.items():
            if key not in found:
                missing.setdefault(key, " ".join(name.split()))
        if missing:
            found |= self._create(missing)
        return {name: found[key] for name, key in key_of.items()}

    def get_by_natural_key(self, name: str) -> "Tag":
        return self.get(key=tag_key(name))

    def _create(self, names: dict[str, str]) -> dict[str, "Tag"]:
        """Create tags with these names, given by key. Concurrent calls for the same names return the same tags."""
        slugs = free_slugs((slugify(name) or _FALLBACK_SLUG for name in names.values()), self, max_length=_MAX_LENGTH)
        tags = [Tag(key=key, name=name, slug=slug) for (key, name), slug in zip(names.items(), slugs, strict=True)]
        with transaction.atomic(savepoint=False):
            # Always in the same order, so that two transactions can't deadlock.
            self.bulk_create(sorted(tags, key=lambda tag: tag.key), ignore_conflicts=True)
            created = {tag.key: tag for tag in self.filter(key__in=set(names))}
            TagAlias.objects.filter(slug__in=[tag.slug for tag in created.values()]).delete()
        for key in names.keys() - created.keys():
            # Someone else took its slug between the query and the insertion.
            created[key], _created = self.get_or_create(key=key, defaults={"name": names[key]})
        return created


class Tag(PublicModel, TagBase):  # type: ignore[misc]  # taggit ships no types
    """A tag. Its `key` is the same for all spellings of the name, which stays as it was entered first."""

    name = models.CharField(_("name"), max_length=_MAX_LENGTH)
    key = models.CharField(max_length=600, unique=True, editable=False)
    slug = slug_field(_("The last part of the URL. Leave empty to use the name."))
    description = models.TextField(_("description"), blank=True)

    objects = TagQuerySet.as_manager()

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
            raise ValidationError({"name": gettext("Tag names can't contain commas. Remove the comma.")})
        twin = Tag.objects.filter(key=tag_key(self.name)).exclude(pk=self.pk).first()
        if twin:
            raise ValidationError({"name": gettext("There is already a tag called “%s”.") % twin.name})
        self._fill_slug()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it with its key and a unique slug. If the slug has changed, the old one becomes an alias."""
        with transaction.atomic():
            self.key = tag_key(self.name)
            old_slug = Tag.objects.filter(pk=self.pk).values_list("slug", flat=True).first()
            self._fill_slug()
            super().save(*args, **kwargs)
            TagAlias.objects.filter(slug=self.slug).delete()
            if old_slug and old_slug != self.slug:
                TagAlias.objects.create(slug=old_slug, tag=self)

    def _fill_slug(self) -> None:
        if not self.slug:
            others = Tag.objects.exclude(pk=self.pk)
            self.slug = free_slug(slugify(self.name) or _FALLBACK_SLUG, others, max_length=_MAX_LENGTH)


class TagAlias(PublicModel):
    """A former slug of a tag. It redirects to the tag permanently."""

    slug = models.CharField(_("former slug"), max_length=_MAX_LENGTH, unique=True, validators=[validate_slug])
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="aliases", verbose_name=_("tag"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PublicQuerySet["TagAlias"].as_manager()

    class Meta:
        verbose_name = _("tag alias")
        verbose_name_plural = _("tag aliases")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        super().clean()
        if Tag.objects.filter(slug=self.slug).exists():
            raise ValidationError({"slug": gettext("A tag uses this slug now, so it can't redirect to another tag.")})


class TaggedPostQuerySet(PublicQuerySet["TaggedPost"]):
    def public(self) -> Self:
        """Return the rows of posts that readers can see now."""
        return self.filter(published_at__lte=timezone.now())

    def newest_first(self) -> Self:
        return self.order_by("-published_at", "-content_object_id")

    def attach(self, post: Post, tags: Iterable[Tag]) -> None:
        """Add `tags` to `post` in one statement. Tags that it already has are left alone."""
        rows = [TaggedPost(tag=tag, content_object=post, published_at=post.public_from) for tag in tags]
        self.bulk_create(rows, ignore_conflicts=True)

    def attach_all(self, posts: Collection[Post], names: Collection[str]) -> None:
        """Add the tags with these names to each of the posts, in a fixed number of statements per thousand rows."""
        tags = list(dict.fromkeys(Tag.objects.named(names).values()))
        rows = [
            TaggedPost(tag=tag, content_object=post, published_at=post.public_from) for post in posts for tag in tags
        ]
        self.bulk_create(rows, ignore_conflicts=True, batch_size=1000)

    def without_all(self, post_ids: Collection[int], names: Collection[str]) -> set[int]:
        """Return the IDs of those of the posts that lack one of the tags with these names. One query."""
        keys = {tag_key(name) for name in names}
        rows = self.filter(content_object__in=post_ids, tag__key__in=keys).order_by().values("content_object")
        complete = rows.annotate(count=Count("tag")).filter(count=len(keys))
        return set(post_ids) - set(complete.values_list("content_object", flat=True))

    def update_published_at(self, entry_ids: Collection[int]) -> None:
        """Set the publication time in the rows of these posts, where it has changed. One statement."""
        published = Post.objects.filter(pk=OuterRef("content_object"), status=Status.PUBLISHED)
        is_correct = Exists(published.filter(published_at=OuterRef("published_at")))
        is_set_or_due = Q(published_at__isnull=False) | Exists(published)
        rows = self.filter(~is_correct, is_set_or_due, content_object__in=entry_ids)
        rows.update(published_at=Subquery(published.values("published_at")))


class TaggedPost(PublicModel, ItemBase):  # type: ignore[misc]  # taggit ships no types
    """A tag of a post, with a copy of the post's publication time, so that a tag's page is read from a single index.

    The time is NULL if the post is not published. The change handler `update_published_at` keeps it up to date.
    """

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="tagged_posts", verbose_name=_("tag"))
    content_object = models.ForeignKey(
        Post, on_delete=models.CASCADE, related_name="tagged_posts", verbose_name=_("post")
    )
    published_at = models.DateTimeField(null=True, editable=False)

    objects = TaggedPostQuerySet.as_manager()

    class Meta:
        verbose_name = _("tagged post")
        verbose_name_plural = _("tagged posts")
        constraints = [models.UniqueConstraint(fields=["content_object", "tag"], name="tagged_post_once")]
        indexes = [models.Index(fields=["tag", "-published_at", "-content_object"], name="tag_newest_first")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.published_at = self.content_object.public_from
        super().save(*args, **kwargs)


def tagged_with(word: str) -> Q:
    """Return the condition for entries with a tag whose name contains `word`, ignoring case."""
    return Q(pk__in=TaggedPost.objects.filter(tag__key__contains=tag_key(word)).values("content_object"))


PostTagsField(through=TaggedPost, manager=PostTags, blank=True, verbose_name=_("tags")).contribute_to_class(
    Post, "tags"
)
