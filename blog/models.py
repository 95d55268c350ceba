"""What is written: posts, pages and the categories posts are filed under."""

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from taggit.managers import TaggableManager

from accounts.models import User
from accounts.slugs import free_slug, slugify, validate_slug
from blog.addresses import OldAddress, forget_addresses, remember_addresses
from blog.enclosures import EnclosedWith, Enclosure
from blog.entries import Entry, EntryQuerySet, Status, entry_constraints, new_guid
from blog.rendering import MORE_PLACEHOLDER
from blog.site import SiteSettings
from blog.tagging import PostTags
from blog.trees import TreeNode, TreeQuerySet, not_its_own_parent

# Migrations name `new_guid` here.
__all__ = ["Category", "Enclosure", "Entry", "OldAddress", "Page", "Post", "SiteSettings", "Status", "new_guid"]


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


class Post(Entry):  # type: ignore[django-manager-missing]  # taggit's manager: the stubs do not see it
    """One entry of the blog, at `/YYYY/MM/DD/slug/`."""

    author = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name=_("author"), related_name="posts")
    categories = models.ManyToManyField(Category, verbose_name=_("categories"), related_name="posts", blank=True)
    tags = TaggableManager(through="tags.TaggedPost", manager=PostTags, blank=True, verbose_name=_("tags"))
    sticky = models.BooleanField(_("sticky"), default=False, help_text=_("Leads the front page."))
    # The day in the address, on the site's clock. Stored, so that no address changes when the clock does.
    published_on = models.DateField(null=True, editable=False)
    # What feeds enclose with it: they look that up for all their posts together (blog.enclosures).
    enclosed: EnclosedWith

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
        return reverse("blog:post", args=[*self.published_on.isoformat().split("-"), self.slug])

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
        return mark_safe(self.lead_html.replace(MORE_PLACEHOLDER, link))  # noqa: S308  # blog.rendering sanitised it before it was stored

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
            before = "" if self._take_back_slug() else self._stored_address()
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

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._take_back_slug()
        super().save(*args, **kwargs)

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
