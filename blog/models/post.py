"""Posts: dated entries at `/YYYY/MM/DD/slug/`, and the files that feeds enclose with them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from django.db import models
from django.db.models import FETCH_RAISE, Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from blog.models.category import Category
from blog.models.entry import Entry
from blog.models.entry_query import LISTED, TITLE, EntryQuerySet, KindManager
from blog.models.stored_entry import StoredEntry
from blog.models.tree import MAX_SLUG_LENGTH
from blog.rendering import MORE_PLACEHOLDER
from blog.rendering.images import library_images
from core.changes import PublicModel, PublicQuerySet
from core.models import SiteSettings
from core.prepared import Parameter, Prepared, together
from core.slugs import SlugNumbers, slugify
from core.text import by_name
from core.urls import URLTemplate
from media.models import Picture

# The columns for the excerpt, which lists may show in place of the lead.
_EXCERPT: Final = ("excerpt", "auto_excerpt", "has_more")
# The columns of the featured image, and of the image that it was merged into.
_PICTURE: Final = ("file", "alt", "width", "height", "rendition_rows", "deleted_at")
_PICTURES: Final = (
    *("featured_picture", "featured_picture__merged_into"),
    *(f"featured_picture__{path}{name}" for path in ("", "merged_into__") for name in _PICTURE),
)
# What feeds show.
_FED: Final = (
    *(*LISTED, "excerpt", "auto_excerpt", "body_html", "guid", "modified_at", "text_changed_at", *_PICTURES),
    *("author", "author__username", "author__display_name", "author__slug", "co_authors"),
)
_post_url = URLTemplate("blog:post", "2000", "01", "02", "slug")


class PostQuerySet(EntryQuerySet):
    def for_listing(
        self,
        *,
        with_lead: bool = True,
        with_author: bool = False,
        with_excerpt: bool = False,
        with_picture: bool = False,
        with_reading_time: bool = False,
    ) -> Self:
        """Load only what a listing shows of posts, newest first."""
        posts, columns = self, [*LISTED, *(["lead_html"] if with_lead else [])]
        if with_author:
            posts, columns = posts.select_related("author"), [*columns, "author", "co_authors"]
        if with_excerpt:
            columns += _EXCERPT
        if with_picture:
            posts, columns = posts.select_related("featured_picture__merged_into"), [*columns, *_PICTURES]
        if with_reading_time:
            columns.append("word_count")
        return posts.only(*columns).fetch_mode(FETCH_RAISE).newest_first()

    def for_feed(self) -> Self:
        """Load only what a feed shows of posts, newest first."""
        posts = self.select_related("author", "featured_picture__merged_into").only(*_FED)
        return posts.fetch_mode(FETCH_RAISE).newest_first()

    def at(self, year: str, month: str, day: str, slug: str) -> Self:
        """Return the post whose URL has these parts; none if there is no such day."""
        try:
            date = dt.date(int(year), int(month), int(day))
        except ValueError:
            return self.none()
        return self.filter(published_on=date, slug=slug)

    def in_category(self, category: Category) -> Self:
        """Return the posts filed under `category` or one of its descendants."""
        filed = Entry.categories.through._default_manager.filter(category__in=Category.objects.below(category.path))
        return self.filter(pk__in=filed.values("entry"))


class Post(Entry):
    """A dated entry, filed under categories and tags."""

    # Set by code that has chosen the day of its URL, which then does not follow from its time.
    keeps_day = False

    objects = KindManager.from_queryset(PostQuerySet)()  # type: ignore[assignment, misc]  # of its own kind only

    class Meta:
        proxy = True
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        ordering = ("-published_at", "-pk")
        permissions = [
            ("publish_post", _("Can publish posts")),
            ("edit_others_post", _("Can edit other people's posts, and published posts")),
            ("view_others_post", _("Can read other people's posts before they are published")),
        ]

    def get_absolute_url(self) -> str:
        """Return the post's URL, or that of its preview if it has no date to put into a URL."""
        if self.published_on is None:
            return self.get_preview_url()
        return _post_url(*self.published_on.isoformat().split("-"), self.slug)

    @property
    def lead(self) -> SafeString:
        """What listings show: the text up to the more marker with a link to the rest, or the whole text."""
        if self.is_locked:
            return self.password_form
        link = self._link_to_rest(f"{self.get_absolute_url()}#more-{self.pk}")
        return mark_safe(self.for_readers(self.lead_html).replace(MORE_PLACEHOLDER, link))  # noqa: S308  # blog.rendering sanitised it before it was stored

    def excerpt_in_lists(self, site: SiteSettings) -> str:
        """Return the excerpt that lists show in place of the lead; empty if they show the lead, as on most sites.

        They also show the lead if it ends at a more marker, or if the text is no longer than an excerpt would be.
        """
        if not site.show_excerpts or self.has_more or self.is_locked:
            return ""
        return self.excerpt or (self.auto_excerpt if self.auto_excerpt.endswith("…") else "")

    def text_in_lists(self, site: SiteSettings) -> SafeString:
        """Return the lead, or the excerpt with a link to the whole text."""
        excerpt = self.excerpt_in_lists(site)
        if not excerpt:
            return self.lead
        direction = self.direction or "auto"
        return format_html('<p dir="{}">{} {}</p>', direction, excerpt, self._link_to_rest(self.get_absolute_url()))

    def shows_image_in_lists(self, site: SiteSettings) -> bool:
        return "<img" in self.lead_html and not (self.is_locked or self.excerpt_in_lists(site))

    def picture_in_lists(self, site: SiteSettings) -> Picture | None:
        """Return the featured image, unless the part of the text that lists show already has it."""
        picture, featured = self.picture, self.featured_picture
        if picture is None or featured is None:
            return None
        if self.shows_image_in_lists(site):
            shown = {name for name, _alt in library_images(self.lead_html)}
            if shown & {str(picture.file.name), str(featured.file.name)}:
                return None
        return picture

    def _link_to_rest(self, url: str) -> SafeString:
        label = gettext("Read the rest of this entry »")
        # Screen readers, which list the links of a page, name it with the title.
        ids = f"post-{self.pk}-rest", f"post-{self.pk}-title"
        name = format_html('id="{}" aria-labelledby="{} {}"', ids[0], *ids)
        return format_html('<a class="more-link" href="{}" dir="auto" {}>{}</a>', url, name, label)

    @property
    def sorted_categories(self) -> list[Category]:
        """Its categories by name, ignoring case and accents, as in the line “Posted in”."""
        return sorted(self.categories.all(), key=lambda category: by_name(category.name))

    @property
    def sorted_tags(self) -> list[Any]:
        """Its tags by name, ignoring case and accents, as in the line “Tags”."""
        return sorted(self.tags.all(), key=lambda tag: by_name(tag.name))

    def neighbours(self) -> "tuple[Post | None, Post | None]":
        """Return the public posts before and after this one. Takes one query."""
        now, time = timezone.now(), self.published_at
        if time is None:
            return None, None
        # SQLite seeks in the index by one limit only, so the query for the older post gets the lower of the two.
        older, newer = together((_older, [min(now, time), time, self.pk]), (_newer, [now, time, self.pk]))
        return next(iter(older), None), next(iter(newer), None)

    @classmethod
    def assign_places(cls, entries: Sequence["Post"], stored: Mapping[int, StoredEntry]) -> None:
        """Set the days of posts, unless they keep theirs, and give dated ones free slugs (`assign_free_slugs`)."""
        moved: list[Post] = []
        for post in entries:
            before = stored.get(post.pk)
            if post.published_at is None:
                post.published_on = None
                continue
            # Only now, because until then the title may still change.
            post.slug = post.slug or slugify(post.title)[:MAX_SLUG_LENGTH] or "post"
            is_redated = before is None or before.published_at != post.published_at
            if post.published_on is None or (is_redated and not post.keeps_day):
                post.published_on = timezone.localtime(post.published_at).date()
            if before is None or (before.published_on, before.slug) != (post.published_on, post.slug):
                moved.append(post)
        assign_free_slugs(moved)

    def moved_from(self, before: StoredEntry | None) -> list[tuple[str, Any]]:
        old_url = before.get_absolute_url() if before and before.published_on and not self.was_restored(before) else ""
        url = self.get_absolute_url() if self.published_on else ""
        return [(old_url, self)] if old_url != url else []


def _next_post(lookup: str, *order: str) -> Prepared[Post]:
    """Return the query for the first public post in this order whose time and ID are beyond those of a given post."""

    def build(now: Parameter, time: Parameter, pk: Parameter) -> PostQuerySet:
        beyond = Q((f"published_at__{lookup}", time)) | Q((f"pk__{lookup}", pk), published_at=time)
        # The first condition follows from the second, but lets the database use the index.
        posts: PostQuerySet = Post.objects.published(now).filter((f"published_at__{lookup}e", time)).filter(beyond)
        return posts.only(*TITLE).order_by(*order)[:1]

    return Prepared[Post](build)


_older, _newer = _next_post("lt", "-published_at", "-pk"), _next_post("gt", "published_at", "pk")


class Enclosure(PublicModel):
    """An audio or video file that WordPress's feeds offered with a post, imported or not (blog.feeds.enclosures)."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="enclosures", verbose_name=_("post"))
    url = models.CharField(_("URL"), max_length=2000)
    # 0 if WordPress did not know the size.
    length = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    media_type = models.CharField(_("media type"), max_length=100)

    objects = PublicQuerySet["Enclosure"].as_manager()

    class Meta:
        verbose_name = _("enclosure")
        verbose_name_plural = _("enclosures")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.url


def assign_free_slugs(posts: Sequence[Post], numbers: SlugNumbers | None = None) -> None:
    """Give dated posts slugs that no other post of their day has, as WordPress does: `slug`, `slug-2`, `slug-3`…

    Takes one query, and one more for each slug that is taken on its day. Several calls for one batch share `numbers`.
    """
    if not posts:
        return
    # Only posts have days. A condition on the kind as well would make SQLite read all posts.
    others = Entry.objects.order_by()
    days, slugs = {post.published_on for post in posts}, {post.slug for post in posts}
    given = {post.pk for post in posts if post.pk}
    taken: dict[dt.date | None, set[str]] = {day: set() for day in days}
    for day, slug, pk in others.filter(published_on__in=days, slug__in=slugs).values_list("published_on", "slug", "pk"):
        if pk not in given:
            taken[day].add(slug)
    numbers = numbers or SlugNumbers(MAX_SLUG_LENGTH)
    for post in posts:
        day = post.published_on
        if post.slug in taken[day]:
            same_day = others.filter(published_on=day).exclude(pk__in=given)
            post.slug = numbers.next_free(post.slug, same_day, scope=day, also_taken=taken[day])
        taken[day].add(post.slug)
