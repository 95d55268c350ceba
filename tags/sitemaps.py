"""The sitemap of tags that have public posts."""

from typing import Any

from django.db.models import OuterRef, Subquery

from blog.sitemaps import TermSitemap
from tags.models import Tag, TaggedPost


class TagSitemap(TermSitemap):
    def items(self) -> Any:
        # Looked up in an index for each tag. Grouping the rows of all tags would read all of them.
        newest = TaggedPost.objects.public().filter(tag=OuterRef("pk")).newest_first().values("published_at")
        return Tag.objects.annotate(newest=Subquery(newest[:1])).filter(newest__isnull=False).order_by("slug")
