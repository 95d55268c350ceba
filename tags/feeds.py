"""The feed of a tag."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.utils import timezone

from blog.feeds import PostFeed, Subject
from blog.models import Post, PostQuerySet
from core.models import SiteSettings
from core.prepared import Parameter, Prepared
from core.site import SiteRequest
from tags.models import TaggedPost
from tags.views import find_renamed, find_tag


@Prepared
def _posts(now: Parameter, tag: Parameter, *, stop: int) -> QuerySet[Any, Post]:
    newest = TaggedPost.objects.public(now).filter(tag=tag).newest_first()[:stop]
    posts: PostQuerySet = Post.objects.published(now).filter(pk__in=newest.values("content_object"))
    return posts.for_feed()


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
        tag = find_tag(kwargs["slug"])
        if tag is None:
            raise Http404
        posts = _posts(timezone.now(), tag.pk, stop=site.entries_per_feed)
        return Subject(f"{tag.name} – {site.title}", tag.get_absolute_url(), posts, tag.description)
