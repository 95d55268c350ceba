"""The sitemap of tags that have public posts."""

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Subquery

from blog.models import Post
from blog.sitemaps import TermSitemap
from core.models import SiteSettings
from tags.index import count_by_letter
from tags.models import Tag, TaggedPost


class TagSitemap(TermSitemap):
    def items(self) -> Any:
        # Looked up in an index for each tag. Grouping the rows of all tags would read all of them.
        newest = TaggedPost.objects.public().filter(tag=OuterRef("pk")).newest_first().values("published_at")
        return Tag.objects.annotate(newest=Subquery(newest[:1])).filter(newest__isnull=False).order_by("slug")

    @property
    def paginator(self) -> Paginator[Any]:
        """The pages of items, which are as many as the index of tags lists, and remembers."""
        paginator = super().paginator
        paginator.count = sum(count for _letter, count in count_by_letter(SiteSettings.remembered()))
        return paginator

    def get_latest_lastmod(self) -> dt.datetime | None:
        """Return the time of the newest post that has any tag."""
        tagged = Post.objects.published().filter(Exists(TaggedPost.objects.filter(content_object=OuterRef("pk"))))
        return tagged.newest_first().values_list("published_at", flat=True).first()
