"""Lists of titles, of which hundreds fit on a page. Python writes them, as it does listings (blog.listed_posts)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape

from django.utils.safestring import SafeString, mark_safe

from blog.models import Post
from blog.terms import Term, links_to, separator


def title_list(posts: Sequence[Post], categories: Mapping[int, Sequence[Term]]) -> SafeString:
    """Return a list of `posts` of one month, loaded by `for_titles`: their days, titles and `categories`, by ID."""
    comma = separator()
    items = "".join(_item(post, categories[post.pk], comma) for post in posts)
    return mark_safe(f'<ul class="titles">\n{items}</ul>\n')  # noqa: S308  # every value is escaped


def day_of(post: Post) -> dt.date:
    """Return the day in the URL of a public post, each of which has one."""
    if post.published_on is None:
        raise ValueError("The post has no date.")
    return post.published_on


def _item(post: Post, categories: Sequence[Term], comma: str) -> str:
    day = day_of(post)
    url, language = escape(post.get_absolute_url()), f' lang="{escape(post.language)}"' if post.language else ""
    link = f'<a href="{url}"{language} dir="{post.direction or "auto"}">{escape(str(post))}</a>'
    filed = f' <span class="filed">{links_to(categories, comma)}</span>' if categories else ""
    return f'<li><time datetime="{day.isoformat()}">{day.day}</time> <div>{link}{filed}</div></li>\n'
