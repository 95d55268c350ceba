"""The feed of a search: the newest posts that match."""

from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext

from blog.feeds.posts import PostFeed, Subject
from blog.models import Post
from core.site import SiteRequest
from search.finding import find_entries
from search.queries import parse


class SearchFeed(PostFeed):
    """At `/search/words/feed/`, as in WordPress."""

    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        site = request.site
        query = parse(kwargs["terms"].replace("+", " "))
        hits = find_entries(query, site, best_first=False)
        # Results with only some of the words would be off topic in a feed.
        pks = [] if hits.any_word or query.is_empty else hits.pks[: 10 * site.entries_per_feed]
        posts = Post.objects.published().filter(pk__in=pks, password="")  # has no password
        newest = list(posts.for_feed()[: site.entries_per_feed])
        title = gettext("Search results for “%(words)s”") % {"words": query.text}
        return Subject(f"{title} – {site.title}", f"/search/{quote(kwargs['terms'])}/", newest, title)
