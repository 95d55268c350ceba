"""The link to the comments of a post in a listing."""

from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from blog.models import Entry
from comments.models import CommentSettings
from core.models import SiteSettings


def comment_link(entry: Entry, site: SiteSettings) -> SafeString:
    """Return the link to the comments on a listed entry, with their count, or to the form. No query.

    Screen readers, which list the links of a page, name it with the title of the entry.
    """
    anchor = "comments"
    if entry.is_locked:
        label = gettext("Enter your password to view comments.")
    elif entry.comment_count:
        label = ngettext("%(n)s Comment »", "%(n)s Comments »", entry.comment_count) % {"n": entry.comment_count}
    elif CommentSettings.of(site).is_open(entry):
        label, anchor = gettext("Leave a Comment »"), "respond"
    else:
        label = gettext("Comments Off")
    url, post = escape(entry.get_absolute_url()), f"post-{entry.pk}"
    name = f'id="{post}-comments" aria-labelledby="{post}-comments {post}-title"'
    return mark_safe(f'<a href="{url}#{anchor}" {name}>{escape(label)}</a>')  # noqa: S308  # all is escaped
