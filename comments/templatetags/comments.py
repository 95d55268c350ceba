"""`{% comment_section entry %}` below a post or page, and `{% comment_link entry %}` in a listing."""

import re
from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from blog.caching import has_session
from blog.models import Page, Post
from comments import akismet, waiting
from comments.forms import CommentForm
from comments.models import Comment
from comments.text import REL
from comments.threads import Thread, thread

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
    """The comments of `entry` and the form for one more; one query.

    A view that has a form to show again puts it into the context as `comment_form`.
    """
    request: HttpRequest = context["request"]
    site = context["site"]
    comments = thread(entry, pingbacks=site.show_pingbacks, waiting=waiting.from_request(request))
    # Without a session nobody is looked up, and the page is the same for every reader.
    knows_reader = has_session(request)
    user = request.user if knows_reader and request.user.is_authenticated else None
    form = context.get("comment_form")
    if form is None:
        form = CommentForm(entry=entry, site=site, user=user, reply_to=_answered(request, comments))
    return {
        "entry": entry,
        "entry_url": entry.get_absolute_url(),
        "action": reverse("comments:add", args=[entry._meta.model_name, entry.pk]),
        "thread": comments,
        "heading": _heading(entry, comments.count),
        "form": form,
        "takes_comments": form.is_open,
        "user": user,
        "needs_token": knows_reader,
        "wants_proof": site.proof_of_work and user is None,
        "asks_akismet": akismet.is_on() and user is None,
    }


def _heading(entry: Post | Page, count: int) -> SafeString | None:
    if not count:
        return None
    # The word for one is the original's.
    words = ngettext("One Response to “{title}”", "{n} Responses to “{title}”", count)
    return format_html(words, n=count, title=format_html("<bdi>{}</bdi>", entry))


def _answered(request: HttpRequest, comments: Thread) -> Comment | None:
    """The comment that the reader wants to answer. The parameter's name is WordPress's."""
    number = request.GET.get("replytocom", "")
    node = comments.nodes.get(int(number)) if re.fullmatch("[0-9]{1,18}", number) else None
    return node.comment if node is not None and not node.waiting else None


@register.filter
def commenter(comment: Comment) -> SafeString:
    """The name of somebody who wrote, a link to their website if they gave one."""
    name = format_html("<bdi>{}</bdi>", comment.author_name)
    if not _WEB_ADDRESS.match(comment.website):
        return name
    return format_html('<a href="{}" rel="{} external">{}</a>', comment.website, REL, name)
