"""Template tags: `{% comment_section entry %}` below an entry, the outcome of a submission, and recent comments."""

from dataclasses import replace
from functools import partial
from typing import Any

from django import template
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from blog import passwords
from blog.caching import has_session
from blog.listings.listing import Pager, pager
from blog.models import Entry
from comments import avatars
from comments.forms import CommentForm, FollowForm
from comments.models import Comment, CommentKind, CommentSettings
from comments.moderation.submission import TIME_LIMIT, may_be_deleted, may_be_revised
from comments.notifications import subscriptions
from comments.rules import akismet
from comments.sender_links import edit_url, from_request
from comments.thread_html import ThreadPage, commenter, thread_html
from comments.threads import Thread, page_url, reply_target, thread_for
from core.models import SiteSettings
from core.urls import URLTemplate

register = template.Library()

_add_url = URLTemplate("comments:add", "post", "1234567890")
_follow_url = URLTemplate("comments:follow", "post", "1234567890")
# Placeholders for the two URLs.
_ADD, _FOLLOW = "[add]", "[follow]"


@register.simple_tag(takes_context=True)
def comment_outcome(context: Context) -> str:
    """Return the outcome of the reader's submission, for the start of the page's title; usually empty. No query."""
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


@register.simple_tag(takes_context=True)
def webmention_link(context: Context, entry: Entry) -> SafeString:
    """Return the element with the endpoint for Webmentions about `entry`, if this site receives them. No query."""
    settings = CommentSettings.of(context["site"])
    # Where comments are closed, other sites may still withdraw links that are shown.
    is_useful = settings.is_open(entry) or (entry.comment_count and entry.is_public)
    if not (settings.receive_webmentions and is_useful) or entry.password:
        return SafeString()
    return format_html('<link rel="webmention" href="{}">', reverse("comments:webmention"))


@register.inclusion_tag("comments/section.html", takes_context=True)
def comment_section(context: Context, entry: Entry) -> dict[str, Any]:
    """Show a page of the comments on `entry`, and the form. One query, or two if there are several pages.

    If the entry is locked, show neither. If it has a password, replies start with a form, because a link would lead to
    the locked page. A view can put its own `comment_thread`, `comment_form` or `comment_preview` into the context.
    """
    if entry.is_locked:
        return {"is_locked": True}
    request: HttpRequest = context["request"]
    settings = CommentSettings.of(context["site"])
    comments: Thread = context.get("comment_thread") or thread_for(request, entry, settings)
    url = page_url(entry, comments.page_number)
    token = passwords.token(entry) if entry.password else ""
    is_open = settings.is_open(entry)
    page = ThreadPage(url, is_open, settings.show_avatars, token, _own_comment(comments))
    # Without a session the user is not looked up, and the page is the same for every reader.
    is_private = has_session(request)
    user = request.user if is_private and request.user.is_authenticated else None
    form, reply_to = context.get("comment_form"), reply_target(request, comments)
    if form is not None or reply_to or token or is_private:
        form = form or CommentForm(entry=entry, settings=settings, user=user, reply_to=reply_to)
        values: dict[str, Any] = {
            "page_url": url,
            "entry_url": entry.get_absolute_url(),
            "preview": context.get("comment_preview"),
            "show_avatars": settings.show_avatars,
            "password_token": token,
            "user": user,
            "needs_token": is_private,
            # Making a token sets a cookie.
            "csrf_token": get_token(request) if is_private else "",
        }
        reply = _render_reply(form, is_open, *_urls(entry), **values)
    else:
        reply = _empty_reply(context["site"], entry, settings, is_open)
    return {
        "comments": thread_html(comments.roots, page),
        "pager": _pager(entry, comments),
        "heading": _heading(entry, comments.count) if comments.count else "",
        "reply": reply,
        "is_locked": False,
        "entry_url": entry.get_absolute_url(),
        "password_token": token,
    }


def _empty_reply(site: SiteSettings, entry: Entry, settings: CommentSettings, is_open: bool) -> SafeString:
    """Return the empty form, which is the same on every page except for the URLs that it is sent to."""

    def render() -> SafeString:
        return _render_reply(CommentForm(entry=entry, settings=settings), is_open, _ADD, _FOLLOW)

    add_url, follow_url = _urls(entry)
    html = site.remember(render, "comment form", is_open)
    return mark_safe(html.replace(_ADD, add_url).replace(_FOLLOW, follow_url))  # noqa: S308  # a rendered template, and URLs of a kind and a number


def _render_reply(form: CommentForm, is_open: bool, action: str, follow_action: str, **values: Any) -> SafeString:
    """Return the comment form, or a note that comments are closed, and the form to follow."""
    user = values.get("user")
    can_follow = is_open and subscriptions.is_on(form.settings) and not form.entry.password
    context = {
        "form": form,
        "is_open": is_open,
        "action": action,
        "follow_form": FollowForm() if can_follow else None,
        "follow_action": follow_action,
        "needs_proof": form.settings.proof_of_work and user is None,
        "uses_akismet": akismet.is_on() and user is None,
    }
    return render_to_string("comments/_reply.html", context | values)


def _urls(entry: Entry) -> tuple[str, str]:
    """Return the URLs that the forms to comment and to follow are sent to."""
    kind, pk = str(entry._meta.model_name), str(entry.pk)
    return _add_url(kind, pk), _follow_url(kind, pk)


def _pager(entry: Entry, comments: Thread) -> Pager | None:
    """Return the pager if there are several pages. Unlike in a listing, the first page has the oldest comments."""
    if comments.page_count == 1:
        return None
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


register.filter("commenter", commenter)
register.simple_tag(avatars.neutral, name="neutral_avatar")


@register.simple_tag(takes_context=True)
def recent_comments(context: Context, count: int) -> list[dict[str, str]]:
    """Return the newest comments that every reader may see, cached for each content version and language."""
    site = context["site"]

    def read() -> list[dict[str, str]]:
        newest = Comment.objects.public().filter(kind=CommentKind.COMMENT).with_entries().order_by("-created_at", "-pk")
        return [
            {"name": each.author_name, "title": str(each.entry), "url": each.get_absolute_url()}
            for each in newest[:count]
        ]

    # Commenters without a name are “Anonymous” in the language of the page.
    key = f"recent-comments:{site.content_version}:{site.entries_version}:{get_language()}:{count}"
    comments: Any = cache.get_or_set(key, read, site.seconds_to_next_change)
    return list(comments)
