"""The dictionary with which browsers decompress further pages (blog/caching/dictionaries.py).

It contains what all pages of posts have in common, and the newest texts, which readers are likely to open. Comments
don't change it, except for the first one on one of the newest posts.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from itertools import groupby
from typing import Final

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from blog.entry_pages import entry_response
from blog.models import Post, load_pictures
from core.site import SiteRequest

# In characters. More text would take longer to load than it saves.
_MAX_TEXT: Final = 16_000
_POSTS: Final = 6
_MIN_LINES: Final = 4
# Where the head is split into elements, many of which are on one line.
_SPLIT_POINT: Final = re.compile(r"(?<=>)(?=<)|(?<=\n)")
# In seconds. Browsers keep it for this long, whether or not it is still the current one.
_LIFETIME: Final = 24 * 60 * 60


def _shared(page: str, other: str) -> Iterator[str]:
    """Yield what two pages have in common: elements of their heads, and lines of their bodies.

    Only longer runs of lines are included, which leaves out comments.
    """
    (head, _end, body), (other_head, _other_end, other_body) = page.partition("</head>"), other.partition("</head>")
    elements = set(_SPLIT_POINT.split(other_head))
    yield from filter(elements.__contains__, _SPLIT_POINT.split(head))
    lines = set(other_body.splitlines(keepends=True))
    for is_shared, run in groupby(body.splitlines(keepends=True), lines.__contains__):
        shared = list(run)
        if is_shared and len(shared) >= _MIN_LINES:
            yield from shared


@require_safe
def dictionary(request: SiteRequest) -> HttpResponse:
    """Return the dictionary, which applies to all pages of the site. It has no content if there are no posts."""
    posts = Post.objects.published().filter(password="").select_related("author", "featured_picture")
    newest = list(posts.defer("source", "lead_html").newest_first()[:_POSTS])
    if not newest:
        # The pages of a new site name it as well, and browsers would report an error.
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    load_pictures(post for post in newest if "<img" in post.body_html)
    pages = [entry_response(request, post).content.decode() for post in newest[:2]]
    frame = "".join(_shared(pages[0], pages[-1]))
    texts = "\n".join(post.body for post in newest)[:_MAX_TEXT]
    headers = {
        # Proxies should not keep texts for so long.
        "Cache-Control": f"private, max-age={_LIFETIME}",
        "Use-As-Dictionary": 'match="/*", match-dest=("document")',
        "X-Robots-Tag": "noindex",
    }
    return HttpResponse(f"{texts}\n{frame}", content_type="text/plain; charset=utf-8", headers=headers)
