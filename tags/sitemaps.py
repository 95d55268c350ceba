"""The sitemap of tags that have public posts."""

from typing import Any

from django.db.models import Max, Q
from django.utils import timezone

from blog.sitemaps import SiteUrlSitemap
from tags.models import Tag


class TagSitemap(SiteUrlSitemap):
    def items(self) -> Any:
        newest = Max("tagged_posts__published_at", filter=Q(tagged_posts__published_at__lte=timezone.now()))
        return Tag.objects.annotate(newest=newest).filter(newest__isnull=False).order_by("slug")

    def lastmod(self, item: Any) -> Any:
        return item.newest
