"""The feed of a tag."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone

from blog.feeds import PostFeed, Subject
from blog.models import Post, PostQuerySet
from blog.redirects.look_up import RedirectToPage
from core.prepared import Parameter, Prepared
from core.site import SiteRequest
from tags.models import Tag, TaggedPost
from tags.views import find_tag


@Prepared
def _posts(now: Parameter, tag: Parameter, *, stop: int) -> QuerySet[Any, Post]:
    newest = TaggedPost.objects.public(now).filter(tag=tag).newest_first()[:stop]
    posts: PostQuerySet = Post.objects.published(now).filter(pk__in=newest.values("content_object"))
    return posts.for_feed()


class TagFeed(PostFeed):
    """The newest posts of a tag."""

    def __call__(self, request: SiteRequest, **kwargs: Any) -> HttpResponse:
        tag = find_tag(request, kwargs["slug"])
        if tag.slug != kwargs["slug"]:
            return RedirectToPage(tag.get_absolute_url() + self.feed_type.suffix)
        return super().__call__(request, tag=tag)

    def subject(self, request: SiteRequest, **kwargs: Any) -> Subject:
        tag: Tag = kwargs["tag"]
        posts = _posts(timezone.now(), tag.pk, stop=request.site.entries_per_feed)
        return Subject(f"{tag.name} – {request.site.title}", tag.get_absolute_url(), posts, tag.description)
