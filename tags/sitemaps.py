"""The sitemap of tags that have public posts."""

from typing import Any

from django.db.models import Max, Q
from django.utils import timezone

from blog.sitemaps import TermSitemap
from tags.models import Tag


class TagSitemap(TermSitemap):
    def items(self) -> Any:
        newest = Max("tagged_posts__published_at", filter=Q(tagged_posts__published_at__lte=timezone.now()))
        return Tag.objects.annotate(newest=newest).filter(newest__isnull=False).order_by("slug")
