"""Sitemaps of posts, pages and categories."""

from operator import attrgetter
from typing import Any

from django.contrib.sitemaps import Sitemap
from django.db.models import Max

from blog.models import Category, Page, Post, public_condition


class _BlogSitemap(Sitemap[Any]):
    limit = 2000
    lastmod = attrgetter("modified_at")


class PostSitemap(_BlogSitemap):
    def items(self) -> Any:
        return Post.objects.published().newest_first().only("slug", "published_on", "modified_at")


class PageSitemap(_BlogSitemap):
    def items(self) -> Any:
        return Page.objects.published().order_by("path").only("path", "modified_at")


class CategorySitemap(_BlogSitemap):
    def items(self) -> Any:
        newest = Max("posts__published_at", filter=public_condition("posts__"))
        return Category.objects.annotate(modified_at=newest).filter(modified_at__isnull=False).order_by("path")
