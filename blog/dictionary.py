"""The dictionary that browsers decompress further pages with, once they have it (blog/caching/dictionaries.py).

What all pages of posts share, and the newest texts, which readers are likely to open. Of comments, only the first on
one of the newest posts changes it.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from blog.entry_pages import entry_response
from blog.models import Post
from core.site import SiteRequest

# In characters. More texts would take longer to load than they save.
_MAX_TEXT: Final = 16_000
_POSTS: Final = 6
_MIN_LINES: Final = 4
# In seconds. Until then browsers keep it, if it is the current one or not.
_LIFETIME: Final = 24 * 60 * 60


def _shared_lines(page: list[str], other: set[str]) -> Iterator[str]:
    """Yield the lines that another page has as well, where there are many together. Comments have only a few."""
    for is_shared, lines in groupby(page, other.__contains__):
        run = list(lines)
        if is_shared and len(run) >= _MIN_LINES:
            yield from run


@require_safe
def dictionary(request: SiteRequest) -> HttpResponse:
    """Return the dictionary, and for which pages it is. Raises Http404 on a site without posts."""
    posts = Post.objects.published().filter(password="").select_related("author", "featured_picture")
    newest = list(posts.defer("source", "lead_html").newest_first()[:_POSTS])
    if not newest:
        raise Http404(gettext("There are no posts yet."))
    pages = [entry_response(request, post).content.decode().splitlines() for post in newest[:2]]
    frame = "\n".join(_shared_lines(pages[0], set(pages[-1])))
    texts = "\n".join(post.body for post in newest)[:_MAX_TEXT]
    headers = {
        # No proxy has to keep texts for so long.
        "Cache-Control": f"private, max-age={_LIFETIME}",
        "Use-As-Dictionary": 'match="/*", match-dest=("document")',
        "X-Robots-Tag": "noindex",
    }
    return HttpResponse(f"{texts}\n{frame}", content_type="text/plain; charset=utf-8", headers=headers)
