"""Tags as in WordPress: one for each name, ignoring case, with a slug of its own."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import batched
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, Exists, F, IntegerField, Max, Min, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from taggit.models import ItemBase, TagBase

from blog.models import Post, Status
from blog.models.curation import TermChange
from core.changes import PublicModel, PublicQuerySet
from core.prepared import Parameter, Prepared
from core.slugs import free_slugs, slug_field, slugify, validate_slug
from tags.letters import SYMBOLS
from tags.names import (
    MAX_KEY_LENGTH,
    MAX_LENGTH,
    MAX_SORT_KEY_LENGTH,
    keys_of,
    search_key,
    slug_base,
    tag_key,
)
from tags.tagging import PostTags, PostTagsField, tag_url


class TagQuerySet(PublicQuerySet["Tag"]):
    def with_counts(self, rows: Any = None) -> Self:
        """Annotate `post_count`, of all posts or of `rows`, in a subquery. A join would group the whole table first."""
        return self.annotate(post_count=Coalesce(_of_posts(rows, Count("*"), IntegerField()), 0))

    def known(self, now: Parameter | None = None) -> Self:
        """Return the tags that readers may know: all but those that only hidden posts have.

        The reason is the same as for categories (CategoryQuerySet.known).
        """
        rows = TaggedPost.objects.filter(tag=OuterRef("pk"))
        return self.filter(Exists(rows.public(now)) | ~Exists(rows))

    def with_use(self, rows: Any = None) -> Self:
        """Annotate `post_count`, and `first_used` and `last_used`: when its first and last post were published."""
        times = models.DateTimeField()
        first, last = (_of_posts(rows, aggregate("published_at"), times) for aggregate in (Min, Max))
        return self.with_counts(rows).annotate(first_used=first, last_used=last)

    def matching(self, text: str) -> Self:
        """Return the tags whose name or a former name or slug contains each word of `text`, ignoring accents."""
        tags = self
        for word in search_key(text).split():
            slugs = TagAlias.objects.filter(slug__contains=slugify(word) or word)
            names = FormerName.objects.filter(search_key__contains=word)
            former = Q(pk__in=slugs.values("tag")) | Q(pk__in=names.values("tag"))
            tags = tags.filter(Q(search_key__contains=word) | former)
        return tags

    def locked(self, ids: Iterable[int]) -> list["Tag"]:
        """Return the tags with these IDs, locked. Posts can't be given them until the transaction ends."""
        found: list[Tag] = []
        for some in batched(sorted(set(ids)), 1000):
            found += self.filter(pk__in=some).select_for_update().order_by("pk")
        return found

    def named(self, names: Iterable[str]) -> dict[str, "Tag"]:
        """Return the tag for each name, and create tags that don't exist yet, in at most seven statements.

        The former name of a tag that was merged or renamed finds the tag that it leads to now. Call this in the
        transaction that uses the tags: they are locked, so that they can't be merged away in the meantime.
        """
        key_of = {name: tag_key(name) for name in names}
        kept = self.select_for_update(no_key=True).order_by("pk")
        found = {tag.key: tag for tag in kept.filter(key__in=set(key_of.values()))}
        missing: dict[str, str] = {}
        for name, key in key_of.items():
            if key not in found:
                missing.setdefault(key, " ".join(name.split()))
        if missing:
            # The tags that had these names before, and the URLs that new tags must not take away from others.
            slugs = [slug_base(name) for name in missing.values()]
            former_names = FormerName.objects.filter(key__in=missing).values_list("key", "tag")
            aliases = TagAlias.objects.filter(slug__in=slugs).order_by().values_list("slug", Value(0))
            rows = list(former_names.union(aliases, all=True))
            former = {key: pk for key, pk in rows if pk}
            targets = kept.in_bulk(set(former.values()))
            found |= {key: targets[pk] for key, pk in former.items() if pk in targets}
            missing = {key: name for key, name in missing.items() if key not in found}
            found |= self._create(missing, {slug for slug, pk in rows if not pk})
        return {name: found[key] for name, key in key_of.items()}

    def get_by_natural_key(self, name: str) -> "Tag":
        return self.get(key=tag_key(name))

    def _create(self, names: dict[str, str], redirecting: Collection[str]) -> dict[str, "Tag"]:
        """Create tags with these names, given by key. Concurrent calls for the same names return the same tags.

        `redirecting` are slugs that the caller knows to be aliases of other tags.
        """
        simple = {key: slug for key, name in names.items() if (slug := slug_base(name)) not in redirecting}
        created = self._insert_named(names, simple)
        if rest := {key: name for key, name in names.items() if key not in created}:
            bases = [slug_base(name) for name in rest.values()]
            free = free_slugs(bases, self, TagAlias.objects.all(), max_length=MAX_LENGTH)
            created |= self._insert_named(rest, dict(zip(rest, free, strict=True)))
        for key in names.keys() - created.keys():
            # Someone else took its slug between the query and the insertion.
            created[key], _created = self.get_or_create(key=key, defaults={"name": names[key]})
        return created

    def _insert_named(self, names: dict[str, str], slugs: dict[str, str]) -> dict[str, "Tag"]:
        """Insert the tags with these slugs, given by key, unless a key or slug is taken, and return those inserted."""
        inserted: dict[str, Tag] = {}
        # Always in the same order, so that two transactions can't deadlock.
        for keys in batched(sorted(slugs), 1000):
            rows = [{"name": names[key], "slug": slugs[key], "description": "", **keys_of(names[key])} for key in keys]
            row = f"({', '.join(['%s'] * len(rows[0]))})"
            # Django's bulk_create can ignore conflicts, but then doesn't report which rows it has inserted.
            sql = (
                f"INSERT INTO tags_tag ({', '.join(rows[0])}) VALUES {', '.join([row] * len(rows))} "  # noqa: S608  # our own table
                "ON CONFLICT DO NOTHING RETURNING *"
            )
            # Readers don't see tags without posts, so cached pages don't expire.
            inserted |= {tag.key: tag for tag in self.raw(sql, [value for each in rows for value in each.values()])}
        return inserted


class Tag(PublicModel, TagBase):  # type: ignore[misc]  # taggit ships no types
    """A tag. Its `key` is the same for all spellings of the name, which stays as it was first entered."""

    name = models.CharField(_("name"), max_length=MAX_LENGTH)
    key = models.CharField(max_length=MAX_KEY_LENGTH, unique=True, editable=False)
    search_key = models.CharField(max_length=MAX_KEY_LENGTH, db_index=True, editable=False)
    # The letter under which the index of tags lists it, and its position there (tags.letters). Tags that a release
    # without these columns adds are last in the index.
    initial = models.CharField(max_length=1, db_default=SYMBOLS, editable=False)
    sort_key = models.CharField(max_length=MAX_SORT_KEY_LENGTH, db_default="", editable=False)
    slug = slug_field(_("The last part of the URL. Leave empty to use the name."))
    description = models.TextField(_("description"), blank=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("name", "pk")
        constraints = [
            models.CheckConstraint(condition=~Q(key=""), name="tag_key_not_empty"),
            models.CheckConstraint(condition=~Q(search_key=""), name="tag_search_key_not_empty"),
            models.CheckConstraint(condition=~Q(slug=""), name="tag_slug_not_empty"),
        ]
        indexes = [models.Index(fields=["initial", "sort_key", "id"], name="tag_by_letter")]

    def get_absolute_url(self) -> str:
        return tag_url(self.slug)

    def clean(self) -> None:
        super().clean()
        self.name = " ".join(self.name.split())
        if "," in self.name:
            raise ValidationError({"name": gettext("Tag names can't contain commas. Remove the comma.")})
        twin = Tag.objects.filter(key=tag_key(self.name)).exclude(pk=self.pk).first()
        if twin:
            raise ValidationError({"name": gettext("There is already a tag called “%s”.") % twin.name})
        alias = TagAlias.objects.filter(slug=self.slug).exclude(tag=self.pk).select_related("tag").first()
        if alias:
            text = gettext("This URL redirects to the tag “%s”. Choose another slug, or delete that redirect first.")
            raise ValidationError({"slug": text % alias.tag})
        self._fill_slug()

    def set_name(self, name: str) -> None:
        """Set the name and the columns that depend on it."""
        self.name = name
        for field, value in keys_of(name).items():
            setattr(self, field, value)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the tag with its keys and a unique slug. A changed slug becomes an alias, a name a former name."""
        with transaction.atomic():
            self.set_name(self.name)
            old = Tag.objects.filter(pk=self.pk).first()
            self._fill_slug()
            super().save(*args, **kwargs)
            # A slug or name leads to the tag that has it now, not to the tag that had it before.
            TagAlias.objects.filter(slug=self.slug).delete()
            FormerName.objects.filter(key=self.key).delete()
            if old and old.slug != self.slug:
                TagAlias.objects.create(slug=old.slug, tag=self)
            if old and old.key != self.key:
                FormerName.objects.give({old.name: self.pk})

    def _fill_slug(self) -> None:
        if not self.slug:
            others, redirects = Tag.objects.exclude(pk=self.pk), TagAlias.objects.exclude(tag=self.pk)
            (self.slug,) = free_slugs([slug_base(self.name)], others, redirects, max_length=MAX_LENGTH)


class TagAlias(PublicModel):
    """A former slug of a tag, which redirects to it."""

    slug = models.CharField(_("former slug"), max_length=MAX_LENGTH, unique=True, validators=[validate_slug])
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="aliases", verbose_name=_("tag"))
    # Former names are in FormerName. These columns are removed one release after the last code that uses them.
    name = models.CharField(_("former name"), max_length=MAX_LENGTH, blank=True, editable=False)
    key = models.CharField(max_length=MAX_KEY_LENGTH, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PublicQuerySet["TagAlias"].as_manager()

    class Meta:
        verbose_name = _("tag alias")
        verbose_name_plural = _("tag aliases")
        ordering = ("slug",)
        constraints = [models.UniqueConstraint(fields=["key"], condition=~Q(key=""), name="tag_alias_key_once")]
        indexes = [models.Index(fields=["key"], name="tag_alias_key")]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        super().clean()
        if Tag.objects.filter(slug=self.slug).exists():
            raise ValidationError({"slug": gettext("A tag uses this slug now, so it can't redirect to another tag.")})


class FormerNameQuerySet(PublicQuerySet["FormerName"]):
    def give(self, names: Mapping[str, int]) -> None:
        """Make each of these names stand for the tag with this ID, whatever it stood for before."""
        rows = [
            FormerName(tag_id=pk, name=name, key=tag_key(name), search_key=search_key(name))
            for name, pk in names.items()
        ]
        columns = ["tag", "name", "search_key"]
        self.bulk_create(rows, batch_size=1000, update_conflicts=True, unique_fields=["key"], update_fields=columns)


class FormerName(PublicModel):
    """A former name of a tag, or of a tag merged into it. It stands for the tag until another tag gets the name."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="former_names", verbose_name=_("tag"))
    name = models.CharField(_("former name"), max_length=MAX_LENGTH)
    # The same as a tag's.
    key = models.CharField(max_length=MAX_KEY_LENGTH, unique=True, editable=False)
    search_key = models.CharField(max_length=MAX_KEY_LENGTH, db_index=True, editable=False)

    objects = FormerNameQuerySet.as_manager()

    class Meta:
        verbose_name = _("former name")
        verbose_name_plural = _("former names")
        # Former names are created and deleted together with the names of tags.
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class TaggedPostQuerySet(PublicQuerySet["TaggedPost"]):
    def public(self, now: Parameter | None = None) -> Self:
        """Return the rows of posts that readers can see now. A prepared query takes the time as a parameter."""
        return self.filter(published_at__lte=now or timezone.now())

    def newest_first(self) -> Self:
        return self.order_by("-published_at", "-content_object_id")

    def attach(self, posts: Iterable[Post], tags: Collection[Tag]) -> None:
        """Add `tags` to each of the posts, which may have them already, in one statement per thousand rows."""
        rows = [
            TaggedPost(tag=tag, content_object=post, published_at=post.public_from) for post in posts for tag in tags
        ]
        self.bulk_create(rows, ignore_conflicts=True, batch_size=1000)

    def attach_all(self, posts: Iterable[Post], names: Iterable[str]) -> None:
        """Add the tags with these names, which may be new, to each of the posts."""
        self.attach(posts, list(dict.fromkeys(Tag.objects.named(names).values())))

    def without_all(self, post_ids: Collection[int], names: Collection[str]) -> set[int]:
        """Return the IDs of the posts that lack any of the tags with these names. One query."""
        keys = {tag_key(name) for name in names}
        rows = self.filter(content_object__in=post_ids, tag__key__in=keys).order_by().values("content_object")
        complete = rows.annotate(count=Count("tag")).filter(count=len(keys))
        return set(post_ids) - set(complete.values_list("content_object", flat=True))

    def with_any(self, post_ids: Collection[int], names: Collection[str]) -> Self:
        """Return the rows of these posts with the tags that have these names, or had them."""
        keys = {tag_key(name) for name in names}
        tags = Tag.objects.filter(Q(key__in=keys) | Q(former_names__key__in=keys))
        return self.filter(content_object__in=post_ids, tag__in=tags.order_by().values("pk"))

    def update_published_at(self, entry_ids: Collection[int]) -> None:
        """Set the publication time in the rows of these posts, where it has changed.

        One query for each thousand posts, and a statement if any have to be changed.
        """
        for some in batched(entry_ids, 1000):
            if outdated := _with_wrong_times(list(some)):
                rows = self.filter(content_object__in=outdated)
                rows.update(published_at=Subquery(_published_post().values("published_at")))


def _published_post() -> models.QuerySet[Post]:
    """Return the post of a row, as a subquery, if it is published."""
    return Post.objects.filter(pk=OuterRef("content_object"), status=Status.PUBLISHED)


@Prepared
def _with_wrong_times(post_ids: Sequence[Parameter]) -> models.QuerySet[Any, int]:
    """Query the IDs of these posts, if a tag of theirs has another publication time than the post itself."""
    is_correct = Exists(_published_post().filter(published_at=OuterRef("published_at")))
    is_set_or_due = Q(published_at__isnull=False) | Exists(_published_post())
    # The stubs don't allow a Parameter as a value.
    rows: Any = TaggedPost.objects.filter(~is_correct, is_set_or_due)
    outdated: models.QuerySet[Any, int] = rows.filter(content_object__pk__in=post_ids).order_by()
    return outdated.values_list("content_object", flat=True).distinct()


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

    def is_visible(self) -> bool:
        return self.published_at is not None

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.published_at = self.content_object.public_from
        super().save(*args, **kwargs)


def _of_posts(rows: Any, aggregate: Any, output_field: models.Field[Any, Any]) -> Subquery:
    """Return the aggregate over the rows of a tag, all or those in `rows`."""
    all_rows = TaggedPost.objects.all() if rows is None else rows
    of_tag = all_rows.filter(tag=OuterRef("pk")).order_by().values("tag")
    return Subquery(of_tag.annotate(value=aggregate).values("value"), output_field=output_field)


class TagChange(TermChange):
    """Tags that were merged, renamed or deleted (tags.curation)."""

    class Meta(TermChange.Meta):
        verbose_name = _("change to tags")
        verbose_name_plural = _("changes to tags")
        # Anyone who may change tags can see and undo them.
        default_permissions = ()


class TagTwins(models.Model):
    """Two tags that may be the same (tags.twins), or that someone has marked as different."""

    first = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")
    # How likely they are the same, from 0 to 100, and why: a value of core.twins.Likeness.
    score = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=12)
    are_different = models.BooleanField(default=False)
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("duplicate tags")
        verbose_name_plural = _("duplicate tags")
        default_permissions = ()
        ordering = ("-score", "pk")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="tag_twins_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="tag_twins_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.first} / {self.second}"


def tagged_with(word: str) -> Any:
    """Return the IDs of the posts with a tag whose name contains `word`, ignoring case."""
    return TaggedPost.objects.filter(tag__key__contains=tag_key(word)).order_by().values("content_object")


PostTagsField(through=TaggedPost, manager=PostTags, blank=True, verbose_name=_("tags")).contribute_to_class(
    Post, "tags"
)
