"""`{% comment_section entry %}` below a post or page, and `{% comment_link entry %}` in a listing."""

import re
from typing import Any

from django import template
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from blog.caching import has_session
from blog.listing import Pager, PagerLink
from blog.models import Page, Post
from comments import akismet, following
from comments.addresses import page_url
from comments.avatars import avatar, neutral
from comments.forms import CommentForm, FollowForm
from comments.models import Comment
from comments.reading import answered, thread_for
from comments.senders import SENDERS_TIME, is_senders_own, may_be_revised
from comments.text import REL
from comments.threads import Node, Thread
from comments.waiting import own_address_from_request

register = template.Library()

_WEB_ADDRESS = re.compile(r"https?://[^/\s]", re.IGNORECASE)


@register.simple_tag(takes_context=True)
def comment_link(context: Context, entry: Post | Page) -> SafeString:
    """The label of an entry in a listing, a link to its comments or to the form; no query."""
    anchor = "comments"
    if entry.comment_count:
        label = ngettext("%(n)s Comment »", "%(n)s Comments »", entry.comment_count) % {"n": entry.comment_count}
    elif entry.takes_comments(context["site"]):
        label, anchor = gettext("Leave a Comment »"), "respond"
    else:
        label = gettext("Comments Off")
    return format_html('<a href="{}#{}">{}</a>', entry.get_absolute_url(), anchor, label)


@register.inclusion_tag("comments/section.html", takes_context=True)
def comment_section(context: Context, entry: Post | Page) -> dict[str, Any]:
    """The comments of `entry`, or a page of them, and the form for one more; one query, or two for a long thread.

    A view that has read the thread, has a form to show again or a comment to show before it is sent puts it into
    the context as `comment_thread`, `comment_form`, `comment_preview`.
    """
    request: HttpRequest = context["request"]
    site = context["site"]
    comments: Thread = context.get("comment_thread") or thread_for(request, entry, site)
    # Without a session nobody is looked up, and the page is the same for every reader.
    knows_reader = has_session(request)
    user = request.user if knows_reader and request.user.is_authenticated else None
    form = context.get("comment_form")
    if form is None:
        form = CommentForm(entry=entry, site=site, user=user, reply_to=answered(request, comments))
    return {
        "page_url": page_url(entry, comments.number),
        "entry_url": entry.get_absolute_url(),
        "action": reverse("comments:add", args=[entry._meta.model_name, entry.pk]),
        "thread": comments,
        "pager": _pager(entry, comments),
        "heading": _heading(entry, comments.count),
        "form": form,
        "preview": context.get("comment_preview"),
        "takes_comments": form.is_open,
        "follow_form": FollowForm() if form.is_open and following.is_on(site) else None,
        "follow_action": reverse("comments:follow", args=[entry._meta.model_name, entry.pk]),
        "show_avatars": site.show_avatars,
        "own": _own(request, comments),
        "user": user,
        "needs_token": knows_reader,
        "wants_proof": site.proof_of_work and user is None,
        "asks_akismet": akismet.is_on() and user is None,
    }


def _pager(entry: Post | Page, comments: Thread) -> Pager:
    """Where earlier and later comments are. Unlike in a listing, the first page has the oldest."""
    number, pages = comments.number, comments.pages
    numbers = Paginator(range(pages), 1).get_elided_page_range(number, on_each_side=2, on_ends=1)
    return Pager(
        older_url=page_url(entry, number - 1) if number > 1 else "",
        newer_url=page_url(entry, number + 1) if number < pages else "",
        pages=[
            PagerLink(each, page_url(entry, each), current=each == number) if isinstance(each, int) else PagerLink(None)
            for each in numbers
        ],
    )


def _own(request: HttpRequest, comments: Thread) -> dict[str, Any] | None:
    """What the sender of a comment on this page may do with it; for nobody else is anything looked up."""
    comment = next((node.comment for node in comments.nodes.values() if node.is_own), None)
    if comment is None or not is_senders_own(comment):
        return None
    return {
        "url": own_address_from_request(request),
        "until": comment.created_at + SENDERS_TIME,
        "may_be_revised": may_be_revised(comment),
    }


def _heading(entry: Post | Page, count: int) -> SafeString | None:
    if not count:
        return None
    # The word for one is the original's.
    words = ngettext("One Response to “{title}”", "{n} Responses to “{title}”", count)
    return format_html(words, n=count, title=format_html("<bdi>{}</bdi>", entry))


@register.filter
def commenter(comment: Comment) -> SafeString:
    """The name of somebody who wrote, a link to their website if they gave one."""
    name = format_html("<bdi>{}</bdi>", comment.author_name)
    if not _WEB_ADDRESS.match(comment.website):
        return name
    return format_html('<a href="{}" rel="{} external">{}</a>', comment.website, REL, name)


@register.filter
def ornament(node: Node) -> SafeString:
    """The avatar of who wrote; while only they see the comment that of nobody (see comments.avatars)."""
    return neutral() if node.waiting else avatar(node.comment)


@register.simple_tag
def neutral_ornament() -> SafeString:
    return neutral()
