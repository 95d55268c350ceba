"""Related posts, shown after the text of a post. Another app finds them.

The HTML is written in Python, because a template would take as long as finding them.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext

from blog.models import Post
from blog.models.entry_query import TITLE
from core.dates import format_day
from core.models import SiteSettings
from core.prepared import Parameter, Prepared
from core.registry import Registry

# Each returns the IDs of posts that may be related to a post, the closest first, with a number for their closeness.
# They may include hidden posts, but must not be many, and must not depend on comments.
related_finders: Final[Registry[Callable[[Post], Sequence[tuple[int, float]]]]] = Registry("related post finder")

MAX_SHOWN: Final = 4
# More than are shown, because some may be hidden or in other languages.
MAX_FOUND: Final = 12


@Prepared
def _posts(now: Parameter, pks: Sequence[Parameter]) -> QuerySet[Any, Post]:
    posts: QuerySet[Any, Post] = Post.objects.published(now).filter(pk__in=pks, password="")
    return posts.only(*TITLE, "published_at")


def related_section(post: Post, site: SiteSettings) -> SafeString:
    """Return links to up to MAX_SHOWN posts as HTML, if there are any. They are found once after each change.

    Posts in the language of this one come first, then closer ones, then those published at about the same time.
    """
    return site.remember(lambda: _section(post), "related posts", post.pk)


def _section(post: Post) -> SafeString:
    published_at = post.published_at
    closeness = dict(found for find in related_finders.values() for found in find(post)[:MAX_FOUND])
    if published_at is None or not closeness:
        return SafeString()

    def order(other: Post) -> tuple[bool, float, Any]:
        return other.language != post.language, -closeness[other.pk], abs(other.published_at - published_at)  # type: ignore[operator]  # it is published

    posts = sorted(_posts(timezone.now(), list(closeness)), key=order)[:MAX_SHOWN]
    if not posts:
        return SafeString()
    items = "\n".join(map(_item, posts))
    return mark_safe(  # noqa: S308  # every value is escaped
        '<nav class="related" aria-labelledby="related">\n'
        f'<h2 id="related">{escape(gettext("Related posts"))}</h2>\n<ul>\n{items}\n</ul>\n</nav>'
    )


def _item(post: Any) -> str:
    day = localtime(post.published_at)
    return (
        f'<li><a href="{escape(post.get_absolute_url())}">{post.title_in_line}</a>\n'
        f'<time datetime="{day.date().isoformat()}">{escape(format_day(day))}</time></li>'
    )
