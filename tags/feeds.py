"""The feed of a tag, and of two or three tags together."""

from typing import Any

from django.http import HttpResponse

from blog.feeds.posts import PostFeed, Subject
from blog.redirects.look_up import RedirectToPage
from core.site import SiteRequest
from tags.models import Tag
from tags.tagging import tag_url
from tags.views import find_tags, joined_name, joined_slug, posts_with_tags, rarest_first


class TagFeed(PostFeed):
    """The newest posts of a tag, or those that have all of several tags."""

    def __call__(self, request: SiteRequest, **kwargs: Any) -> HttpResponse:
        tags = find_tags(request, kwargs["slug"])
        slug = joined_slug(tags)
        if slug != kwargs["slug"]:
            return RedirectToPage(tag_url(slug) + self.feed_type.suffix)
        return super().__call__(request, tags=tags)

    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        tags: list[Tag] = kwargs["tags"]
        posts = posts_with_tags.newest(rarest_first(request.site, tags), request.site.entries_per_feed)
        description = tags[0].description if len(tags) == 1 else ""
        return Subject(f"{joined_name(tags)} – {request.site.title}", tag_url(joined_slug(tags)), posts, description)
