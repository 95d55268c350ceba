"""RSS 2.0 and Atom feeds of comments, newest first: of the whole site, and of one post or page."""

import datetime as dt
import html

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import gettext

from blog.feed_formats import FORMATS
from blog.models import Entry, Page, Post
from comments.models import Comment, CommentKind, CommentSettings
from core.site import SiteRequest, absolute_url


class CommentFeed:
    """The view of the newest comments, on one post or page if the URL has its path or its day and slug."""

    def __init__(self, format_name: str) -> None:
        self.feed_type = FORMATS[format_name]

    def __call__(self, request: SiteRequest, **kwargs: str) -> HttpResponse:
        if kwargs:
            entry = _find_entry(**kwargs)
            title = gettext("Comments on: %(title)s") % {"title": entry}
            url = feeds_url = entry.get_absolute_url()
            comments = Comment.objects.on(entry).public()
            item_title = gettext("By: %(name)s")
        else:
            title = gettext("Comments for %(site)s") % {"site": request.site.title}
            url = reverse("blog:front")
            feeds_url = f"{url}comments/"
            comments = Comment.objects.public()
            item_title = gettext("Comment on %(title)s by %(name)s")
        if not CommentSettings.of(request.site).show_pingbacks:
            comments = comments.filter(kind=CommentKind.COMMENT)
        feed = self.feed_type(title=title, description=title, url=url, feeds_url=feeds_url)
        newest = comments.with_entries().select_related("user").order_by("-created_at", "-pk")
        for comment in newest[: request.site.entries_per_feed]:
            feed.add(
                title=item_title % {"title": comment.entry, "name": comment.author_name},
                link=absolute_url(comment.get_absolute_url()),
                description=Truncator(html.unescape(strip_tags(comment.html))).words(55),
                # In WordPress's form, so feed readers do not show comments again after a move.
                guid=f"{comment.entry.guid}#comment-{comment.pk}",
                author=comment.author_name,
                pubdate=comment.created_at,
                updateddate=comment.created_at,
                content=comment.html,
            )
        return feed.response()


def _find_entry(**kwargs: str) -> Entry:
    if "path" in kwargs:
        page: Page = get_object_or_404(Page.objects.published(), path=kwargs["path"])
        return page
    try:
        day = dt.date(int(kwargs["year"]), int(kwargs["month"]), int(kwargs["day"]))
    except ValueError as error:
        raise Http404(gettext("That date doesn't exist.")) from error
    post: Post = get_object_or_404(Post.objects.published(), published_on=day, slug=kwargs["slug"])
    return post
