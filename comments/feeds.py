"""RSS 2.0 and Atom feeds of comments, newest first: of the whole site, and of one post or page."""

import datetime as dt
import html
from dataclasses import dataclass, replace
from typing import Any, cast

from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import gettext

from blog.feeds import FORMATS, RssFeed, with_absolute_urls
from blog.models import Entry, Page, Post
from comments.models import Comment, CommentKind, CommentQuerySet, CommentSettings
from core.models import SiteSettings
from core.site import SiteRequest, absolute_url
from core.text import remove_non_xml


@dataclass(frozen=True, slots=True)
class Source:
    """What a feed is made from. `url` is the page it belongs to, `feed_url` its own URL without `feed/`."""

    title: str
    url: str
    feed_url: str
    comments: CommentQuerySet
    limit: int


class CommentFeed(Feed[Comment, Source]):
    """The newest comments of a source, which subclasses return from `source`."""

    item_guid_is_permalink = False

    def __init__(self, kind: str) -> None:
        self.feed_type = FORMATS[kind]

    def source(self, site: SiteSettings, **kwargs: Any) -> Source:
        raise NotImplementedError

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Source:
        site = cast("SiteRequest", request).site
        source = self.source(site, **kwargs)
        if CommentSettings.of(site).show_pingbacks:
            return source
        return replace(source, comments=source.comments.filter(kind=CommentKind.COMMENT))

    def items(self, source: Source) -> list[Comment]:
        comments = source.comments.with_entries().select_related("user")
        return list(comments.order_by("-created_at", "-pk")[: source.limit])

    def title(self, source: Source) -> str:
        return remove_non_xml(source.title)

    description = title

    def link(self, source: Source) -> str:
        return absolute_url(source.url)

    def feed_url(self, source: Source) -> str:
        return absolute_url(source.feed_url + ("feed/" if self.feed_type is RssFeed else "feed/atom/"))

    def item_title(self, item: Comment) -> str:
        return remove_non_xml(gettext("By: %(name)s") % {"name": item.author_name})

    def item_link(self, item: Comment) -> str:
        return absolute_url(item.get_absolute_url())

    def item_guid(self, item: Comment) -> str:
        # In WordPress's form, so feed readers do not show comments again after a move.
        return remove_non_xml(f"{item.entry.guid}#comment-{item.pk}")

    def item_description(self, item: Comment) -> str:
        return remove_non_xml(Truncator(html.unescape(strip_tags(item.html))).words(55))

    def item_author_name(self, item: Comment) -> str:
        return remove_non_xml(item.author_name)

    def item_pubdate(self, item: Comment) -> dt.datetime:
        return item.created_at

    item_updateddate = item_pubdate

    def item_extra_kwargs(self, item: Comment) -> dict[str, Any]:
        return {"content": remove_non_xml(with_absolute_urls(item.html))}


class SiteCommentFeed(CommentFeed):
    def source(self, site: SiteSettings, **kwargs: Any) -> Source:
        title = gettext("Comments for %(site)s") % {"site": site.title}
        front = reverse("blog:front")
        return Source(title, front, f"{front}comments/", Comment.objects.public(), site.entries_per_feed)

    def item_title(self, item: Comment) -> str:
        title = gettext("Comment on %(title)s by %(name)s") % {"title": item.entry, "name": item.author_name}
        return remove_non_xml(title)


class PostCommentFeed(CommentFeed):
    def source(self, site: SiteSettings, **kwargs: Any) -> Source:
        try:
            day = dt.date(int(kwargs["year"]), int(kwargs["month"]), int(kwargs["day"]))
        except ValueError as error:
            raise Http404(gettext("That date doesn't exist.")) from error
        return _entry_source(get_object_or_404(Post.objects.published(), published_on=day, slug=kwargs["slug"]), site)


class PageCommentFeed(CommentFeed):
    def source(self, site: SiteSettings, **kwargs: Any) -> Source:
        return _entry_source(get_object_or_404(Page.objects.published(), path=kwargs["path"]), site)


def _entry_source(entry: Entry, site: SiteSettings) -> Source:
    title = gettext("Comments on: %(title)s") % {"title": entry}
    comments = Comment.objects.on(entry).public()
    return Source(title, entry.get_absolute_url(), entry.get_absolute_url(), comments, site.entries_per_feed)
