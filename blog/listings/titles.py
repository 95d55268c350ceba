"""Lists of titles, hundreds of which fit on a page. They are written in Python, as listings are (listed_posts)."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from blog.listings.listed_posts import interface_attributes, posted_in_line, tags_line
from blog.models import Post
from blog.terms import Term, links_to, terms_of
from core.dates import format_day
from core.languages import override_language, separator
from core.models import SiteSettings


def title_list(posts: Sequence[Post], categories: Mapping[int, Sequence[Term]]) -> SafeString:
    """Return a list of `posts` of one month, loaded by `for_titles`. `categories` are by post ID."""
    comma = separator()
    items = "".join(
        f"<li>{_time(post, str(day_of(post).day))} <div>{_link(post)}{_filed(categories[post.pk], comma)}</div></li>\n"
        for post in posts
    )
    return mark_safe(f'<ul class="titles">\n{items}</ul>\n')  # noqa: S308  # every value is escaped


def entry_list(posts: Sequence[Post], site: SiteSettings, *, pinned: Collection[Post] = ()) -> SafeString:
    """Return a list of `posts`, loaded by `for_titles`: a listing without texts. Takes two queries.

    Titles are headings, as in a listing, so that screen readers and other programs can jump from one to the next.

    `pinned` posts are labelled.
    """
    terms = terms_of(posts)
    items = []
    for post in posts:
        categories, tags = terms[post.pk]
        with override_language(post.language):
            pin = f'<p class="pinned" {interface_attributes()}>{gettext("Pinned")}</p>\n' if post in pinned else ""
            items.append(
                f'<li>{pin}<h2 id="post-{post.pk}-title">{_link(post)}</h2>\n'
                f'<div class="filed" {interface_attributes()}><p>{_time(post, escape(format_day(day_of(post))))}</p>\n'
                f"<p>{posted_in_line(post, categories, site)}</p>{tags_line(tags)}</div></li>\n"
            )
    return mark_safe(f'<ul class="entries">\n{"".join(items)}</ul>\n')  # noqa: S308  # as above


def day_of(post: Post) -> dt.date:
    """Return the day in the URL of a post. Every public post has one."""
    if post.published_on is None:
        raise ValueError("The post has no date.")
    return post.published_on


def _time(post: Post, text: str) -> str:
    return f'<time datetime="{day_of(post).isoformat()}">{text}</time>'


def _link(post: Post) -> str:
    url, language = escape(post.get_absolute_url()), f' lang="{escape(post.language)}"' if post.language else ""
    return f'<a href="{url}"{language} dir="{post.direction or "auto"}">{escape(str(post))}</a>'


def _filed(categories: Sequence[Term], comma: str) -> str:
    return f' <span class="filed">{links_to(categories, comma)}</span>' if categories else ""
