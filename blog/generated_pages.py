"""Pages that every site has, such as `/archive/`, unless a page of its own or a redirect has that path."""

from collections.abc import Callable
from typing import Final

from django.http import HttpResponse

from core.registry import Registry
from core.site import SiteRequest

# Views by slug, which `blog.views.page` calls if no page has the slug. A view gets the rest of the path after the slug,
# such as `a` of `/tags/a/`, or an empty string, and raises Http404 if there is nothing to show. New pages don't get
# such a slug, but an imported one that had it in WordPress keeps it.
generated_pages: Final[Registry[Callable[[SiteRequest, str], HttpResponse]]] = Registry("generated page")
