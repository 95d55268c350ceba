"""Template tags: `{% follow_box %}` below a post, and `{% follow_link %}` on lists."""

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.models import SiteSettings
from newsletter.models import NewsletterSettings

register = template.Library()

# By page: the URL that follows its topic, and the argument that says which topic it is.
_TOPICS = {
    "blog:category": ("newsletter:follow_category", "path"),
    "tags:tag": ("newsletter:follow_tag", "slug"),
    "blog:author": ("newsletter:follow_author", "slug"),
    "blog:language": ("newsletter:follow_language", "language"),
}


@register.simple_tag(takes_context=True)
def follow_box(context: Context) -> SafeString:
    """Return the form to follow all posts, or nothing if the newsletter is off. No query."""
    site: SiteSettings = context["site"]
    if not NewsletterSettings.of(site).is_available:
        return SafeString()
    return site.remember(lambda: render_to_string("newsletter/_box.html"), "follow box")


@register.simple_tag(takes_context=True)
def follow_link(context: Context) -> SafeString:
    """Return the link to follow the posts of a list, or nothing if that has no topic or the newsletter is off."""
    match = getattr(context.get("request"), "resolver_match", None)
    name = match.view_name.removesuffix("_page") if match else ""
    site: SiteSettings = context["site"]
    if name not in _TOPICS or not NewsletterSettings.of(site).is_available:
        return SafeString()
    # As in newsletter.topics.find_topic.
    if context.get("is_combined") or (name == "blog:author" and not site.show_author):
        return SafeString()
    url_name, argument = _TOPICS[name]
    url = reverse(url_name, args=[match.kwargs[argument]])  # type: ignore[union-attr]  # there is a name
    return format_html('<p><a href="{}" rel="nofollow">{}</a></p>', url, gettext("Follow by e-mail"))
