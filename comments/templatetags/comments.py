"""Template tags: `{% comment_section entry %}` below an entry, and what became of a comment."""

from dataclasses import replace
from functools import partial
from typing import Any

from django import template
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from blog import passwords
from blog.caching import has_session
from blog.listing import Pager, pager
from blog.models import Entry
from comments import avatars
from comments.forms import CommentForm, FollowForm
from comments.models import Comment, CommentSettings
from comments.moderation.submission import TIME_LIMIT, may_be_deleted, may_be_revised
from comments.notifications import subscriptions
from comments.rules import akismet
from comments.sender_links import edit_url, from_request
from comments.text import REL
from comments.threads import Node, Thread, page_url, reply_target, thread_for

register = template.Library()


@register.simple_tag(takes_context=True)
def comment_outcome(context: Context) -> str:
    """Return what became of the reader's comment, which the title of the page begins with; mostly nothing. No query."""
    form = context.get("comment_form")
    if form is not None and form.errors:
        outcome = gettext("Your comment was not submitted")
    elif context.get("comment_preview"):
        outcome = gettext("Preview of your comment")
    elif context.get("is_submitted") or from_request(context["request"]) is not None:
        outcome = gettext("Your comment was submitted")
    else:
        return ""
    return f"{outcome} – "


@register.inclusion_tag("comments/section.html", takes_context=True)
def comment_section(context: Context, entry: Entry) -> dict[str, Any]:
    """Show a page of the comments on `entry`, and the form. One query, or two if there are several pages.

    If the entry is locked, show neither. If it has a password, replies begin with a form, because a link would lead to
    the locked page. A view can put its own `comment_thread`, `comment_form` or `comment_preview` into the context.
    """
    if entry.is_locked:
        return {"is_locked": True}
    request: HttpRequest = context["request"]
    settings = CommentSettings.of(context["site"])
    comments: Thread = context.get("comment_thread") or thread_for(request, entry, settings)
    # Without a session the user is not looked up, and the page is the same for every reader.
    is_private = has_session(request)
    user = request.user if is_private and request.user.is_authenticated else None
    is_open = settings.is_open(entry)
    form = context.get("comment_form")
    if form is None:
        form = CommentForm(entry=entry, settings=settings, user=user, reply_to=reply_target(request, comments))
    return {
        "page_url": page_url(entry, comments.page_number),
        "entry_url": entry.get_absolute_url(),
        "action": reverse("comments:add", args=[entry._meta.model_name, entry.pk]),
        "thread": comments,
        "pager": _pager(entry, comments),
        "heading": _heading(entry, comments.count) if comments.count else "",
        "form": form,
        "preview": context.get("comment_preview"),
        "is_open": is_open,
        "is_locked": False,
        "password_token": passwords.token(entry) if entry.password else "",
        "follow_form": FollowForm() if is_open and subscriptions.is_on(settings) and not entry.password else None,
        "follow_action": reverse("comments:follow", args=[entry._meta.model_name, entry.pk]),
        "show_avatars": settings.show_avatars,
        "own": _own_comment(comments),
        "user": user,
        "needs_token": is_private,
        "needs_proof": settings.proof_of_work and user is None,
        "uses_akismet": akismet.is_on() and user is None,
    }


def _pager(entry: Entry, comments: Thread) -> Pager:
    """Return the pager. Unlike in a listing, the first page has the oldest comments."""
    page = Paginator(range(comments.page_count), 1).page(comments.page_number)
    links = pager(page, partial(page_url, entry))
    return replace(links, older_url=links.newer_url, newer_url=links.older_url)


def _own_comment(comments: Thread) -> dict[str, Any] | None:
    """Return what the reader may do with their own comment on this page, if there is one."""
    comment = next((node.comment for node in comments.nodes.values() if node.is_own), None)
    if comment is None or not may_be_deleted(comment):
        return None
    return {
        "url": edit_url(comment),
        "until": comment.created_at + TIME_LIMIT,
        "may_be_revised": may_be_revised(comment),
    }


def _heading(entry: Entry, count: int) -> SafeString:
    # The original site says "One" as well.
    heading = ngettext("One Response to “{title}”", "{n} Responses to “{title}”", count)
    return format_html(heading, n=count, title=format_html("<bdi>{}</bdi>", entry))


@register.filter
def commenter(comment: Comment) -> SafeString:
    """Return the author's name, linked to their website if there is one."""
    name = format_html("<bdi>{}</bdi>", comment.author_name)
    url = comment.public_website
    return format_html('<a href="{}" rel="{} external">{}</a>', url, REL, name) if url else name


@register.filter
def comment_avatar(node: Node) -> SafeString:
    """Return the author's avatar, or the neutral one while only they see the comment (see comments.avatars)."""
    return avatars.neutral() if node.is_unapproved else avatars.avatar(node.comment)


register.simple_tag(avatars.neutral, name="neutral_avatar")
