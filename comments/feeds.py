"""RSS 2.0 and Atom of comments: of all of them, and of one post or page, newest first."""

import datetime as dt
import html
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import gettext

from blog.feeds import FORMATS, RssFeed, absolute_addresses, xml_text
from blog.models import Page, Post
from blog.site import SiteRequest, SiteSettings, absolute_url
from comments.models import Comment, CommentQuerySet, Kind


@dataclass(frozen=True, slots=True)
class Source:
    """What a feed is made from: `url` is the page it goes with, `feed_url` its own address without the ending."""

    title: str
    url: str
    feed_url: str
    comments: CommentQuerySet
    limit: int


class CommentFeed(Feed[Comment, Source]):
    """The newest comments. A kind of feed says in `source` where from."""

    item_guid_is_permalink = False

    def __init__(self, kind: str) -> None:
        self.feed_type = FORMATS[kind]

    def source(self, site: SiteSettings, **kwargs: Any) -> Source:
        raise NotImplementedError

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Source:
        site = cast("SiteRequest", request).site
        source = self.source(site, **kwargs)
        if site.show_pingbacks:
            return source
        comments = source.comments.filter(kind=Kind.COMMENT)
        return Source(source.title, source.url, source.feed_url, comments, source.limit)

    def items(self, source: Source) -> list[Comment]:
        comments = source.comments.with_entries().select_related("user")
        return list(comments.order_by("-created_at", "-pk")[: source.limit])

    def title(self, source: Source) -> str:
        return xml_text(source.title)

    def link(self, source: Source) -> str:
        return absolute_url(source.url)

    def description(self, source: Source) -> str:
        return xml_text(source.title)

    def feed_url(self, source: Source) -> str:
        return absolute_url(source.feed_url + ("feed/" if self.feed_type is RssFeed else "feed/atom/"))

    def item_title(self, item: Comment) -> str:
        return xml_text(gettext("By: %(name)s") % {"name": item.author_name})

    def item_link(self, item: Comment) -> str:
        return absolute_url(item.get_absolute_url())

    def item_guid(self, item: Comment) -> str:
        # WordPress's form, so that what was read before a move is not new after it.
        return xml_text(f"{item.entry.guid}#comment-{item.pk}")

    def item_description(self, item: Comment) -> str:
        return xml_text(Truncator(html.unescape(strip_tags(item.html))).words(55))

    def item_author_name(self, item: Comment) -> str:
        return xml_text(item.author_name)

    def item_pubdate(self, item: Comment) -> dt.datetime:
        return item.created_at

    def item_updateddate(self, item: Comment) -> dt.datetime:
        return item.created_at

    def item_extra_kwargs(self, item: Comment) -> dict[str, Any]:
        return {"content": xml_text(absolute_addresses(item.html))}


class SiteCommentFeed(CommentFeed):
    """The comments on all posts and pages."""

    def source(self, site: SiteSettings, **kwargs: Any) -> Source:
        title = gettext("Comments for %(site)s") % {"site": site.title}
        front = reverse("blog:front")
        return Source(title, front, f"{front}comments/", Comment.objects.public(), site.entries_per_feed)

    def item_title(self, item: Comment) -> str:
        words = {"title": item.entry, "name": item.author_name}
        return xml_text(gettext("Comment on %(title)s by %(name)s") % words)


class PostCommentFeed(CommentFeed):
    """The comments on one post."""

    def source(self, site: SiteSettings, **kwargs: Any) -> Source:
        try:
            day = dt.date(int(kwargs["year"]), int(kwargs["month"]), int(kwargs["day"]))
        except ValueError as error:
            raise Http404(gettext("There is no such day.")) from error
        return _of(get_object_or_404(Post.objects.published(), published_on=day, slug=kwargs["slug"]), site)


class PageCommentFeed(CommentFeed):
    """The comments on one page."""

    def source(self, site: SiteSettings, **kwargs: Any) -> Source:
        return _of(get_object_or_404(Page.objects.published(), path=kwargs["path"]), site)


def _of(entry: Post | Page, site: SiteSettings) -> Source:
    title = gettext("Comments on: %(title)s") % {"title": entry}
    comments = Comment.objects.on(entry).public()
    return Source(title, entry.get_absolute_url(), entry.get_absolute_url(), comments, site.entries_per_feed)
