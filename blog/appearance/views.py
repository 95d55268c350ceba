"""The files of an appearance: its styles, and the icon in each size."""

from typing import Final

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from blog.appearance.looks import look_of
from blog.appearance.pictures import ICON_SIZES, icon_key, icon_png
from blog.caching import has_session
from core.site import SiteRequest

# Its URL changes with its content.
_IMMUTABLE: Final = "public, max-age=31536000, immutable"


@require_safe
def style(request: SiteRequest, digest: str) -> HttpResponse:
    """Return the styles. A URL from before a change redirects to the new ones."""
    look = look_of(request.site)
    if not look.style_url:
        raise Http404(gettext("This site has no styles of its own."))
    if look.style_url != request.path:
        return HttpResponseRedirect(look.style_url)
    # Only those who preview a draft may see it.
    headers = {} if has_session(request) else {"Cache-Control": _IMMUTABLE}
    return HttpResponse(look.style, content_type="text/css; charset=utf-8", headers=headers)


@require_safe
def icon(request: SiteRequest, key: str, size: int) -> HttpResponse:
    """Return the icon in one size. A URL from before a change redirects to the new one."""
    current = look_of(request.site).icon
    if current is None or size not in ICON_SIZES:
        raise Http404(gettext("This site has no such icon."))
    if key != icon_key(current.picture):
        return HttpResponseRedirect(current.url(size))
    try:
        content = icon_png(current.picture, size)
    except OSError as error:
        raise Http404(gettext("This site has no such icon.")) from error
    headers = {} if has_session(request) else {"Cache-Control": _IMMUTABLE}
    return HttpResponse(content, content_type="image/png", headers=headers)
