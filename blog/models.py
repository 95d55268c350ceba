"""What is written: posts, pages and the categories posts are filed under."""

import datetime as dt
import uuid
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_info, gettext
from django.utils.translation import gettext_lazy as _
from taggit.managers import TaggableManager

from accounts.models import User
from accounts.slugs import free_slug, slugify, validate_slug
from blog.addresses import OldAddress, forget_addresses, remember_addresses
from blog.rendering import MORE_PLACEHOLDER, PART_BREAK, Rendered, SourceTooLong, render
from blog.site import SiteSettings, content_changed
from blog.tagging import PostTags
from blog.trees import TreeNode, TreeQuerySet, not_its_own_parent
from library.models import Picture

__all__ = ["Category", "Entry", "OldAddress", "Page", "Post", "SiteSettings", "Status"]


class Status(models.TextChoices):
    """Scheduled is not a status: it is `published` with a moment that has not come yet."""

    DRAFT = "draft", _("Draft")
    PENDING = "pending", _("Waits for an editor")
    PUBLISHED = "published", _("Published")
    PRIVATE = "private", _("Private")
    TRASH = "trash", _("Trash")


class Category(TreeNode):
    """A heading that posts are filed under. Its page shows the posts of its children too, as in WordPress."""

    name = models.CharField(_("name"), max_length=200)
    slug = models.CharField(
        _("slug"),
        max_length=200,
        unique=True,
        blank=True,
        validators=[validate_slug],
        help_text=_("The last part of the address. Empty: made from the name."),
    )
    description = models.TextField(_("description"), blank=True)

    objects = TreeQuerySet.as_manager()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("name", "pk")
        constraints = [not_its_own_parent("category")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("blog:category", args=[self.path])

    def words_for_slug(self) -> str:
        return self.name

    def slug_rivals(self) -> models.QuerySet[Any]:
        return Category.objects.exclude(pk=self.pk)

    def keep_old_addresses(self, moved: list[tuple[str, Any]]) -> None:
        """Only a new slug is worth a note: a category is found by the last part of any path (blog.redirects)."""
        old_slug = moved[0][0].rpartition("/")[2]
        if old_slug != self.slug:
            forget_addresses([f"/category/{self.slug}/"])
            if old_slug:
                remember_addresses([(f"/category/{old_slug}/", self)])


class EntryQuerySet(models.QuerySet[Any]):
    def published(self) -> Self:
        """What every reader may see now. All that is public asks this, and nothing else."""
        return self.filter(status=Status.PUBLISHED, published_at__lte=timezone.now())

    def scheduled(self) -> Self:
        """Published at a moment that is still to come."""
        return self.filter(status=Status.PUBLISHED, published_at__gt=timezone.now())

    def newest_first(self) -> Self:
        return self.order_by("-published_at", "-pk")


class PostQuerySet(EntryQuerySet):
    def for_listing(self) -> Self:
        """With all that an entry of a listing shows: three queries, whatever their number."""
        return self.select_related("author").prefetch_related("categories", "tags").newest_first()

    def in_category(self, category: Category) -> Self:
        """Filed under `category` or one below it."""
        filed = Post.categories.through._default_manager.filter(category__in=Category.objects.below(category))
        return self.filter(pk__in=filed.values("post"))


class PageQuerySet(EntryQuerySet, TreeQuerySet):  # type: ignore[override]  # each has its own as_manager
    pass


def new_guid() -> str:
    """A name for an entry that stays when its address, title or host changes. Feed readers go by it."""
    return uuid.uuid4().urn


class Entry(models.Model):
    """What posts and pages have in common. The source stays as written; its HTML is rendered at each save."""

    title = models.CharField(_("title"), max_length=1000, blank=True)
    slug = models.CharField(
        _("slug"),
        max_length=200,
        blank=True,
        validators=[validate_slug],
        help_text=_("The last part of the address. Empty: made from the title."),
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name=_("author"), related_name="+")
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.DRAFT)
    published_at = models.DateTimeField(_("publish at"), null=True, blank=True)
    source = models.TextField(_("text"), blank=True)
    markup = models.CharField(_("written in"), max_length=20, default="markdown")
    excerpt = models.TextField(
        _("excerpt"), blank=True, help_text=_("For feeds and search results. Empty: the first words of the text.")
    )
    language = models.CharField(
        _("language"),
        max_length=12,
        blank=True,
        help_text=_("Of the text; it decides the direction of writing. Empty: the language of the site."),
    )
    comments_open = models.BooleanField(_("open to comments"), default=True)
    featured_picture = models.ForeignKey(
        Picture,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("featured picture"),
        help_text=_("Above the text, and in links to it on other sites."),
    )
    guid = models.CharField(max_length=500, default=new_guid, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    modified_at = models.DateTimeField(_("last changed"), auto_now=True)

    # Made from the source at each save (blog.rendering).
    lead_html = models.TextField(editable=False, blank=True)
    body_html = models.TextField(editable=False, blank=True)
    extract = models.TextField(editable=False, blank=True)
    has_more = models.BooleanField(editable=False, default=False)
    # Approved comments only; comments.moderation keeps it right.
    comment_count = models.PositiveIntegerField(_("comments"), default=0, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title or gettext("(no title)")

    @property
    def is_public(self) -> bool:
        """Whether every reader may see it now."""
        return self.public_from is not None and self.public_from <= timezone.now()

    @property
    def is_scheduled(self) -> bool:
        return self.public_from is not None and self.public_from > timezone.now()

    @property
    def public_from(self) -> dt.datetime | None:
        """The moment from which readers see it; None while its status keeps it from them."""
        return self.published_at if self.status == Status.PUBLISHED else None

    @property
    def direction(self) -> str:
        """`rtl` or `ltr` when the language of the text is known to differ from the page's, else nothing."""
        if not self.language:
            return ""
        try:
            return "rtl" if get_language_info(self.language)["bidi"] else "ltr"
        except KeyError:
            return ""

    @property
    def summary(self) -> str:
        """The excerpt that was written, or else the first words of the text. Plain text."""
        return self.excerpt or self.extract

    @property
    def body(self) -> SafeString:
        """The whole text, all its parts together."""
        # Sanitised by blog.rendering before it was stored.
        return mark_safe(self.body_with_breaks.replace(PART_BREAK, ""))  # noqa: S308

    @property
    def body_with_breaks(self) -> str:
        """The text with PART_BREAK between its parts, and the anchor `more-ID` where the more marker was."""
        anchor = format_html('<span id="more-{}"></span>', self.pk)
        return self.body_html.replace(MORE_PLACEHOLDER, anchor)

    def takes_comments(self, site: SiteSettings) -> bool:
        """Whether a reader may comment now."""
        if self.published_at is None or not (site.comments_open and self.comments_open and self.is_public):
            return False
        limit = site.close_comments_after_days
        return not limit or (timezone.now() - self.published_at).days < limit

    def clean(self) -> None:
        super().clean()
        self._publish_now_if_without_moment()
        try:
            self.render()
        except SourceTooLong as error:
            raise ValidationError({"source": str(error)}) from error

    def render(self) -> None:
        """Make the HTML anew from the source. Raises SourceTooLong."""
        self.take_rendered(render(self.source, self.markup, self))

    def take_rendered(self, rendered: Rendered) -> None:
        """Take over what the source was rendered to."""
        self.lead_html = rendered.lead_html
        self.body_html = rendered.body_html
        self.extract = rendered.extract
        self.has_more = rendered.has_more

    def _publish_now_if_without_moment(self) -> None:
        if self.status == Status.PUBLISHED and self.published_at is None:
            self.published_at = timezone.now()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Render and save. What is published without a moment is published now. Raises SourceTooLong."""
        self.render()
        self._publish_now_if_without_moment()
        super().save(*args, **kwargs)
        content_changed()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        content_changed()
        return super().delete(*args, **kwargs)


def entry_constraints(name: str) -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(condition=Q(status__in=Status.values), name=f"{name}_status_known"),
        models.CheckConstraint(
            condition=~Q(status=Status.PUBLISHED) | Q(published_at__isnull=False), name=f"{name}_published_has_moment"
        ),
    ]


class Post(Entry):  # type: ignore[django-manager-missing]  # taggit's manager: the stubs do not see it
    """One entry of the blog, at `/YYYY/MM/DD/slug/`."""

    author = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name=_("author"), related_name="posts")
    categories = models.ManyToManyField(Category, verbose_name=_("categories"), related_name="posts", blank=True)
    tags = TaggableManager(through="tags.TaggedPost", manager=PostTags, blank=True, verbose_name=_("tags"))
    sticky = models.BooleanField(_("sticky"), default=False, help_text=_("Leads the front page."))
    # The day in the address, on the site's clock. Stored, so that no address changes when the clock does.
    published_on = models.DateField(null=True, editable=False)

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        ordering = ("-published_at", "-pk")
        permissions = [
            ("publish_post", _("Can publish posts")),
            ("edit_others_post", _("Can edit posts of others, and published ones")),
        ]
        indexes = [
            models.Index(fields=["status", "-published_at", "-id"], name="post_newest_first"),
            models.Index(fields=["author", "status", "-published_at", "-id"], name="post_of_author"),
            # For addresses that say the day wrong or not the whole slug. The class lets PostgreSQL look up beginnings.
            models.Index(fields=["slug"], name="post_slug", opclasses=["varchar_pattern_ops"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["published_on", "slug"], name="post_address_unique"),
            *entry_constraints("post"),
        ]

    def get_absolute_url(self) -> str:
        """The address, or the address of the preview while there is no day to put into it."""
        if self.published_on is None:
            return self.get_preview_url()
        day = self.published_on
        return reverse("blog:post", args=[f"{day:%Y}", f"{day:%m}", f"{day:%d}", self.slug])

    def get_preview_url(self) -> str:
        """Where staff see it as readers will. The form is WordPress's."""
        return f"{reverse('blog:front')}?p={self.pk}&preview=true"

    @property
    def lead(self) -> SafeString:
        """What a listing shows: up to the more marker and the link to the rest, or all."""
        link = format_html(
            '<a class="more-link" href="{}#more-{}" dir="auto">{}</a>',
            self.get_absolute_url(),
            self.pk,
            gettext("Read the rest of this entry »"),
        )
        # Sanitised by blog.rendering before it was stored.
        return mark_safe(self.lead_html.replace(MORE_PLACEHOLDER, link))  # noqa: S308

    @property
    def sorted_categories(self) -> list[Category]:
        """By name without regard to case, as the line "Posted in" has them."""
        return sorted(self.categories.all(), key=lambda category: category.name.casefold())

    @property
    def sorted_tags(self) -> list[Any]:
        """By name without regard to case, as the line "Tags" has them."""
        return sorted(self.tags.all(), key=lambda tag: tag.name.casefold())

    def older_neighbour(self) -> "Post | None":
        """The public post before this one in time."""
        if self.published_at is None:
            return None
        before = Q(published_at__lt=self.published_at) | Q(published_at=self.published_at, pk__lt=self.pk)
        # The first condition repeats the second for the index.
        posts = Post.objects.published().filter(published_at__lte=self.published_at).filter(before)
        return posts.newest_first().first()

    def newer_neighbour(self) -> "Post | None":
        """The public post after this one in time."""
        if self.published_at is None:
            return None
        after = Q(published_at__gt=self.published_at) | Q(published_at=self.published_at, pk__gt=self.pk)
        posts = Post.objects.published().filter(published_at__gte=self.published_at).filter(after)
        return posts.order_by("published_at", "pk").first()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save under a free address and tell the rows of its tags from when readers see it.

        A slug that another post of the day has gets `-2`, as in WordPress. Raises SourceTooLong.
        """
        with transaction.atomic():
            self._publish_now_if_without_moment()
            before = self._stored_address()
            self._take_address()
            try:
                with transaction.atomic():
                    super().save(*args, **kwargs)
            except IntegrityError:
                # Somebody took the address between the look and the write: look again, once.
                self._take_address()
                super().save(*args, **kwargs)
            tagged = Post.tags.through._default_manager.filter(content_object=self)
            tagged.update(published_at=self.public_from)
            if self.published_on is not None and before != self.get_absolute_url():
                forget_addresses([self.get_absolute_url()])
            if before and before != self.get_absolute_url():
                remember_addresses([(before, self)])

    def _stored_address(self) -> str:
        """The address it has in the database; empty if it has none."""
        stored = Post.objects.filter(pk=self.pk, published_on__isnull=False).only("published_on", "slug").first()
        return stored.get_absolute_url() if stored else ""

    def _take_address(self) -> None:
        if self.published_at is None:
            self.published_on = None
            self.slug = self.slug or slugify(self.title)[:200]
            return
        stored = Post.objects.filter(pk=self.pk).values_list("published_at", "published_on").first()
        if stored is None or stored[0] != self.published_at or self.published_on is None:
            self.published_on = timezone.localtime(self.published_at).date()
        same_day = Post.objects.filter(published_on=self.published_on).exclude(pk=self.pk)
        self.slug = free_slug(self.slug or slugify(self.title) or "post", same_day, max_length=200)


# First parts of addresses that are not pages: a top page with such a slug could not be reached.
RESERVED_SLUGS = {"admin", "author", "category", "comments", "feed", "media", "page", "static", "tag"} | {
    # Old names of feeds, of uploads and of WordPress's own pages (wordpress.urls).
    *("atom", "files", "rdf", "rss", "rss2", "wp-admin", "wp-content"),
}


class Page(TreeNode, Entry):
    """A text outside the order of days, at `/parent/slug/`: no date, categories or tags."""

    menu_order = models.IntegerField(_("order"), default=0, help_text=_("Lower numbers come first in the menu."))

    objects = PageQuerySet.as_manager()

    class Meta:
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        ordering = ("menu_order", "title", "pk")
        constraints = [not_its_own_parent("page"), *entry_constraints("page")]

    def get_absolute_url(self) -> str:
        return reverse("blog:page", args=[self.path])

    def get_preview_url(self) -> str:
        """Where staff see it as readers will. The form is WordPress's."""
        return f"{reverse('blog:front')}?page_id={self.pk}&preview=true"

    def words_for_slug(self) -> str:
        return self.title

    def keep_old_addresses(self, moved: list[tuple[str, Any]]) -> None:
        forget_addresses(node.get_absolute_url() for _old, node in moved)
        remember_addresses((f"/{old}/", node) for old, node in moved if old)

    def clean(self) -> None:
        super().clean()
        slug = self.slug or slugify(self.title)
        if self.parent is None and (slug in RESERVED_SLUGS or slug.isdecimal()):
            raise ValidationError(
                {"slug": gettext("The site uses “%(slug)s” itself. Choose another.") % {"slug": slug}}
            )
