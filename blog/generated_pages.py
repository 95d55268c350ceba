"""Pages that every site has, such as `/archive/`, unless a page of its own is there or a redirect leads away."""

from collections.abc import Callable
from typing import Final

from django.http import HttpResponse

from core.registry import Registry
from core.site import SiteRequest

# By path, with what shows it (`blog.views.page`). It raises Http404 if there is nothing to show. No page gets such a
# path by accident, but one that had it in WordPress keeps it.
generated_pages: Final[Registry[Callable[[SiteRequest], HttpResponse]]] = Registry("generated page")
