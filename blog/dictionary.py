"""The dictionary that browsers decompress further pages with, once they have it (blog/caching/dictionaries.py).

What all pages of posts share, and the newest texts, which readers are likely to open. Of comments, only the first on
one of the newest posts changes it.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from blog.entry_pages import entry_response
from blog.models import Post, load_pictures
from core.site import SiteRequest

# In characters. More texts would take longer to load than they save.
_MAX_TEXT: Final = 16_000
_POSTS: Final = 6
_MIN_LINES: Final = 4
# Between the elements of the head, many of which are on one line.
_BETWEEN: Final = re.compile(r"(?<=>)(?=<)|(?<=\n)")
# In seconds. Until then browsers keep it, if it is the current one or not.
_LIFETIME: Final = 24 * 60 * 60


def _shared(page: str, other: str) -> Iterator[str]:
    """Yield what two pages have in common: elements of their heads, and lines of their bodies.

    Of a body, only where there are many lines together. Comments have only a few.
    """
    (head, _end, body), (other_head, _other_end, other_body) = page.partition("</head>"), other.partition("</head>")
    elements = set(_BETWEEN.split(other_head))
    yield from filter(elements.__contains__, _BETWEEN.split(head))
    lines = set(other_body.splitlines(keepends=True))
    for is_shared, run in groupby(body.splitlines(keepends=True), lines.__contains__):
        shared = list(run)
        if is_shared and len(shared) >= _MIN_LINES:
            yield from shared


@require_safe
def dictionary(request: SiteRequest) -> HttpResponse:
    """Return the dictionary, and for which pages it is. Raises Http404 on a site without posts."""
    posts = Post.objects.published().filter(password="").select_related("author", "featured_picture")
    newest = list(posts.defer("source", "lead_html").newest_first()[:_POSTS])
    if not newest:
        raise Http404(gettext("There are no posts yet."))
    load_pictures(post for post in newest if "<img" in post.body_html)
    pages = [entry_response(request, post).content.decode() for post in newest[:2]]
    frame = "".join(_shared(pages[0], pages[-1]))
    texts = "\n".join(post.body for post in newest)[:_MAX_TEXT]
    headers = {
        # No proxy has to keep texts for so long.
        "Cache-Control": f"private, max-age={_LIFETIME}",
        "Use-As-Dictionary": 'match="/*", match-dest=("document")',
        "X-Robots-Tag": "noindex",
    }
    return HttpResponse(f"{texts}\n{frame}", content_type="text/plain; charset=utf-8", headers=headers)
