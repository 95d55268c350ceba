"""What search engines are told about: posts, categories and pages. Tags add their own (tags.sitemaps)."""

from typing import Any

from django.contrib.sitemaps import Sitemap
from django.db.models import Max, Q
from django.utils import timezone

from blog.models import Category, Page, Post, Status


class PostSitemap(Sitemap[Post]):
    limit = 2000

    def items(self) -> Any:
        return Post.objects.published().order_by("-published_at", "-pk").only("slug", "published_on", "modified_at")

    def lastmod(self, item: Post) -> Any:
        return item.modified_at


class PageSitemap(Sitemap[Page]):
    limit = 2000

    def items(self) -> Any:
        return Page.objects.published().order_by("path").only("path", "modified_at")

    def lastmod(self, item: Page) -> Any:
        return item.modified_at


class CategorySitemap(Sitemap[Category]):
    limit = 2000

    def items(self) -> Any:
        public = Q(posts__status=Status.PUBLISHED, posts__published_at__lte=timezone.now())
        newest = Max("posts__published_at", filter=public)
        return Category.objects.annotate(newest=newest).filter(newest__isnull=False).order_by("path")

    def lastmod(self, item: Any) -> Any:
        return item.newest
