"""Sitemaps of posts, pages and categories."""

import datetime as dt
from typing import Any

from django.contrib.sitemaps import Sitemap
from django.db.models import Max, Q
from django.utils import timezone

from blog.models import Category, Entry, Page, Post, Status


class EntrySitemap(Sitemap[Entry]):
    limit = 2000

    def lastmod(self, item: Entry) -> dt.datetime:
        return item.modified_at


class PostSitemap(EntrySitemap):
    def items(self) -> Any:
        return Post.objects.published().newest_first().only("slug", "published_on", "modified_at")


class PageSitemap(EntrySitemap):
    def items(self) -> Any:
        return Page.objects.published().order_by("path").only("path", "modified_at")


class CategorySitemap(Sitemap[Category]):
    limit = 2000

    def items(self) -> Any:
        public = Q(posts__status=Status.PUBLISHED, posts__published_at__lte=timezone.now())
        newest = Max("posts__published_at", filter=public)
        return Category.objects.annotate(newest=newest).filter(newest__isnull=False).order_by("path")

    def lastmod(self, item: Any) -> Any:
        return item.newest
