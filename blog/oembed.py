"""A card of plain HTML for each entry, which other sites can embed. Source: https://oembed.com/.

It has no script, style or picture, so a page that embeds it loads nothing from this site.
"""

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from blog import views
from blog.models import Entry, Post
from blog.page_metadata.lead_pictures import lead_picture
from core.http import host_of, hosts_of_site
from core.models import SiteSettings
from core.site import SiteRequest, absolute_url

# The query parameters that determine the response.
PARAMETERS: Final = frozenset({"url", "format", "maxwidth", "maxheight"})
# In pixels. The format requires a height, so it is roughly that of a title and three lines.
_WIDTH: Final = 600
_HEIGHT: Final = 200
_MAX_SUMMARY: Final = 280
# In seconds. Consumers request it again after this time, because an entry may be unpublished.
_CACHE_AGE: Final = 60 * 60


@require_safe
def oembed(request: SiteRequest) -> HttpResponse:
    """Describe the entry at `?url=`, in at most `maxwidth` and `maxheight` pixels."""
    if request.GET.get("format", "json") != "json":
        return _error(501, gettext("This site offers JSON only. Leave out the format."))
    if not (url := request.GET.get("url", "")):
        return _error(400, gettext("Give the URL of a post or page."))
    entry = entry_at(url)
    if entry is None or entry.password or entry.noindex:
        return _error(404, gettext("No post or page with this URL can be embedded."))
    width, height = (_limit(request.GET.get(name, "")) for name in ("maxwidth", "maxheight"))
    response = JsonResponse(_describe(request.site, entry, width, height))
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def entry_at(url: str) -> Entry | None:
    """Return the entry that readers see at this URL, which may be one of a former host."""
    try:
        path = unquote(urlsplit(url).path)
        return views.entry_at(f"{path.rstrip('/')}/") if host_of(url) in hosts_of_site() else None
    except ValueError:
        return None


def _describe(site: SiteSettings, entry: Entry, max_width: int | None, max_height: int | None) -> dict[str, Any]:
    url = absolute_url(entry.get_absolute_url())
    summary = Truncator(entry.summary).chars(_MAX_SUMMARY)
    described: dict[str, Any] = {
        "version": "1.0",
        "type": "rich",
        "provider_name": site.title,
        "provider_url": absolute_url("/"),
        "title": str(entry),
        "cache_age": _CACHE_AGE,
        "html": render_to_string("blog/oembed.html", {"site": site, "entry": entry, "url": url, "summary": summary}),
        "width": min(_WIDTH, max_width or _WIDTH),
        "height": min(_HEIGHT, max_height or _HEIGHT),
    }
    if isinstance(entry, Post) and site.show_author:
        author_url = absolute_url(entry.author.get_absolute_url())
        described |= {"author_name": entry.byline, "author_url": author_url}
    picture = lead_picture(entry)
    if picture and picture.width <= (max_width or picture.width) and picture.height <= (max_height or picture.height):
        described |= {f"thumbnail_{name}": getattr(picture, name) for name in ("url", "width", "height")}
    return described


def _limit(value: str) -> int | None:
    """Return the requested number of pixels, or None if it is not a valid number."""
    return int(value) or None if value.isascii() and value.isdecimal() and len(value) < 6 else None


def _error(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
