"""RSS 2.0 and Atom feeds of comments, newest first: of the whole site, and of one post or page."""

import html
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import gettext

from blog.feeds.formats import FORMATS
from blog.listings.listing import period
from blog.models import Entry
from blog.redirects.look_up import rows_at
from blog.views import pages_at, posts_at
from comments.models import Comment, CommentKind, CommentSettings
from core.languages import activate_language
from core.prepared import Parameter, Prepared
from core.site import SiteRequest, absolute_url, is_probe


class CommentFeed:
    """The view of the newest comments: on one post or page if the URL has its path or date and slug, else on all."""

    def __init__(self, format_name: str) -> None:
        self.feed_type = FORMATS[format_name]

    def __call__(self, request: SiteRequest, **kwargs: str) -> HttpResponse:
        if kwargs:
            entry = _find_entry(request, **kwargs)
            if is_probe(request):
                return HttpResponse()
            activate_language(entry.language)
            title = gettext("Comments on: %(title)s") % {"title": entry}
            url = feeds_url = entry.get_absolute_url()
            about = [entry.pk]
            item_title = gettext("By: %(name)s")
        else:
            title = gettext("Comments for %(site)s") % {"site": request.site.title}
            url = reverse("blog:front")
            feeds_url = f"{url}comments/"
            about = []
            item_title = gettext("Comment on %(title)s by %(name)s")
        feed = self.feed_type(title=title, description=title, url=url, feeds_url=feeds_url)
        with_pingbacks = CommentSettings.of(request.site).show_pingbacks
        stop = request.site.entries_per_feed
        for comment in _newest(timezone.now(), *about, with_pingbacks=with_pingbacks, stop=stop):
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


def _find_entry(request: SiteRequest, **kwargs: str) -> Entry:
    if "path" in kwargs:
        (found,) = rows_at(request, (pages_at, [timezone.now(), [kwargs["path"]]]))
    else:
        day, _last = period(kwargs["year"], kwargs["month"], kwargs["day"])
        (found,) = rows_at(request, (posts_at, [timezone.now(), day, [kwargs["slug"]]]))
    if not found:
        raise Http404(gettext("That post or page doesn't exist."))
    entry: Entry = found[0]
    return entry


@Prepared
def _newest(now: Parameter, *entry: Parameter, with_pingbacks: bool, stop: int) -> QuerySet[Any, Comment]:
    """Return the newest comments, on one entry if its ID is given."""
    comments = Comment.objects.public(now)
    if entry:
        comments = comments.filter(entry=entry[0])
    if not with_pingbacks:
        comments = comments.filter(kind=CommentKind.COMMENT)
    return comments.with_entries().select_related("user").order_by("-created_at", "-pk")[:stop]
