"""The comments on an entry as HTML, written in Python because templates would take five times as long."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple, Self

from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext

from comments import avatars
from comments.models import Comment
from comments.text import REL
from comments.threads import Node
from core.dates import format_day, format_time, format_time_and_zone


class _Messages(NamedTuple):
    """The messages that every comment has, looked up once for all of them."""

    says: str
    written: str
    reply_to: str
    reply: str

    @classmethod
    def translated(cls) -> Self:
        return cls(
            gettext("%(name)s Says:"), gettext("%(date)s at %(time)s"), gettext("Reply to %(name)s"), gettext("Reply")
        )


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """The context that the comments on one page share.

    `password_token` is not empty if the entry has a password; replies then start with a form. `own` describes what
    readers may do with their own comment: at which `url`, `until` when, and whether it `may_be_revised`.
    """

    url: str
    is_open: bool
    show_avatars: bool
    password_token: str = ""
    own: Mapping[str, Any] | None = None
    messages: _Messages = field(default_factory=_Messages.translated)


def thread_html(nodes: Iterable[Node], page: ThreadPage) -> SafeString:
    """Return the comments of one level as list items, with their replies, at most five levels deep."""
    return mark_safe("".join([_item(node, page) for node in nodes]))  # noqa: S308  # every value is escaped or a comment's sanitised HTML


def commenter(comment: Comment) -> SafeString:
    """Return the author's name, linked to their website if there is one."""
    name = f"<bdi>{escape(comment.author_name)}</bdi>"
    if url := comment.public_website:
        name = f'<a href="{escape(url)}" rel="{REL} external">{name}</a>'
    return mark_safe(name)  # noqa: S308  # both values are escaped


def _item(node: Node, page: ThreadPage) -> str:
    comment = node.comment
    focus = ' tabindex="-1" autofocus' if node.is_own else ""
    says = page.messages.says % {"name": commenter(comment)}
    parts = [
        f'<li id="comment-{comment.pk}"{focus} class="{_classes(node)}">\n<article>\n<header>\n',
        _avatar(node) if page.show_avatars else "",
        f'<p class="comment-author">{says}</p>\n',
        _role(node),
        f'<p class="comment-date">{_dates(comment, page)}</p>\n',
        _reply_to(node),
        "</header>\n",
    ]
    if node.is_unapproved:
        text = gettext("Your comment is awaiting moderation.")
        parts.append(f'<p class="comment-unapproved" role="status">{text}</p>\n')
    if node.is_own and page.own:
        parts.append(_own_line(page.own))
    parts.append(f'<div class="comment-body">{comment.html}</div>\n')
    if page.is_open and not node.is_unapproved:
        parts.append(f'<p class="comment-reply">{_reply_link(comment, page)}</p>\n')
    parts.append("</article>\n")
    if node.replies:
        parts.append(f'<ol class="replies" role="list">\n{thread_html(node.replies, page)}</ol>\n')
    return "".join([*parts, "</li>\n"])


def _classes(node: Node) -> str:
    role = " by-post-author" if node.by_post_author else " by-staff" if node.by_staff else ""
    return f"comment {'odd' if node.shaded else 'even'}{role}{' unapproved' if node.is_unapproved else ''}"


def _avatar(node: Node) -> str:
    """Return the author's avatar, or the neutral one while only they see the comment (see comments.avatars)."""
    return avatars.neutral() if node.is_unapproved else avatars.avatar(node.comment)


def _role(node: Node) -> str:
    if not (node.by_post_author or node.by_staff):
        return ""
    return f'<p class="comment-role">{gettext("Author") if node.by_post_author else gettext("Staff")}</p>\n'


def _dates(comment: Any, page: ThreadPage) -> str:
    """Return when the comment was written, with a link to it, and when it was last changed, if it was."""
    written = _time(page.messages.written, comment.created_at)
    link = f'<a href="{escape(page.url)}#comment-{comment.pk}">{written}</a>'
    if not comment.edited_at:
        return link
    if comment.edited_by:
        text = gettext("Edited by a moderator on %(date)s at %(time)s")
    else:
        text = gettext("Edited on %(date)s at %(time)s")
    return f'{link} <span class="comment-edited">{_time(text, comment.edited_at)}</span>'


def _time(text: str, time: dt.datetime) -> str:
    local = localtime(time)
    shown = text % {"date": escape(format_day(local)), "time": escape(format_time(local))}
    return f'<time datetime="{local:%Y-%m-%dT%H:%M%z}">{shown}</time>'


def _reply_to(node: Node) -> str:
    if not node.reply_to:
        return ""
    other = node.reply_to.comment
    text = gettext("In reply to <bdi>%(name)s</bdi>") % {"name": escape(other.author_name)}
    return f'<p class="comment-reply-to"><a href="#comment-{other.pk}">{text}</a></p>\n'


def _own_line(own: Mapping[str, Any]) -> str:
    text = gettext("Change or delete your comment") if own["may_be_revised"] else gettext("Delete your comment")
    until = gettext("(until %(time)s)") % {"time": escape(format_time_and_zone(own["until"]))}
    return f'<p class="comment-own"><a href="{escape(own["url"])}">{text}</a> {until}</p>\n'


def _reply_link(comment: Comment, page: ThreadPage) -> str:
    label = f'aria-label="{page.messages.reply_to % {"name": escape(comment.author_name)}}"'
    if page.password_token:
        attributes = f'type="submit" form="reply" name="replytocom" value="{comment.pk}" class="plain"'
        return f"<button {attributes} {label}>{page.messages.reply}</button>"
    url = f"{escape(page.url)}?replytocom={comment.pk}#respond"
    return f'<a href="{url}" rel="nofollow" {label}>{page.messages.reply}</a>'
