"""The feed of a tag."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404

from blog.feeds import PostFeed, Subject
from blog.models import Post
from core.models import SiteSettings
from core.site import SiteRequest
from tags.models import Tag, TaggedPost
from tags.views import find_renamed


class TagFeed(PostFeed):
    """The newest posts of a tag."""

    def __call__(self, request: SiteRequest, **kwargs: Any) -> HttpResponse:
        try:
            return super().__call__(request, **kwargs)
        except Http404:
            return HttpResponsePermanentRedirect(
                find_renamed(kwargs["slug"]).get_absolute_url() + self.feed_type.suffix
            )

    def subject(self, site: SiteSettings, **kwargs: Any) -> Subject:
        tag = get_object_or_404(Tag, slug=kwargs["slug"])
        newest = TaggedPost.objects.public().filter(tag=tag).newest_first()[: site.entries_per_feed]
        posts = Post.objects.published().filter(pk__in=newest.values("content_object"))
        return Subject(f"{tag.name} – {site.title}", tag.get_absolute_url(), posts, tag.description)
