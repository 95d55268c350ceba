"""RSS 2.0 and Atom feeds of comments, newest first: of the whole site, and of one post or page."""

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

from blog.feeds import FORMATS, with_absolute_urls
from blog.models import Entry, Page, Post
from comments.models import Comment, CommentKind, CommentSettings
from core.models import SiteSettings
from core.site import SiteRequest, absolute_url
from core.text import remove_non_xml


@dataclass(frozen=True, slots=True)
class Source:
    """The post or page whose comments are in a feed, or the whole site."""

    site: SiteSettings
    entry: Entry | None


class CommentFeed(Feed[Comment, Source]):
    """The newest comments on the whole site."""

    item_guid_is_permalink = False

    def __init__(self, format_name: str) -> None:
        self.feed_type = FORMATS[format_name]
        self._suffix = "feed/" if format_name == "rss" else "feed/atom/"

    def find_entry(self, **kwargs: str) -> Entry | None:
        return None

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Source:
        return Source(cast("SiteRequest", request).site, self.find_entry(**kwargs))

    def items(self, source: Source) -> list[Comment]:
        comments = Comment.objects.on(source.entry) if source.entry else Comment.objects.all()
        comments = comments.public()
        if not CommentSettings.of(source.site).show_pingbacks:
            comments = comments.filter(kind=CommentKind.COMMENT)
        newest = comments.with_entries().select_related("user").order_by("-created_at", "-pk")
        return list(newest[: source.site.entries_per_feed])

    def title(self, source: Source) -> str:
        if source.entry:
            title = gettext("Comments on: %(title)s") % {"title": source.entry}
        else:
            title = gettext("Comments for %(site)s") % {"site": source.site.title}
        return remove_non_xml(title)

    description = title

    def link(self, source: Source) -> str:
        return absolute_url(source.entry.get_absolute_url() if source.entry else reverse("blog:front"))

    def feed_url(self, source: Source) -> str:
        return self.link(source) + ("" if source.entry else "comments/") + self._suffix

    def item_title(self, item: Comment) -> str:
        title = gettext("Comment on %(title)s by %(name)s") % {"title": item.entry, "name": item.author_name}
        return remove_non_xml(title)

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


class EntryCommentFeed(CommentFeed):
    """The newest comments on one post or page."""

    def find_entry(self, **kwargs: str) -> Entry:
        if "path" in kwargs:
            return get_object_or_404(Page.objects.published(), path=kwargs["path"])
        try:
            day = dt.date(int(kwargs["year"]), int(kwargs["month"]), int(kwargs["day"]))
        except ValueError as error:
            raise Http404(gettext("That date doesn't exist.")) from error
        return get_object_or_404(Post.objects.published(), published_on=day, slug=kwargs["slug"])

    def item_title(self, item: Comment) -> str:
        return remove_non_xml(gettext("By: %(name)s") % {"name": item.author_name})
