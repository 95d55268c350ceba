"""Pages that every site has, such as `/archive/`, unless a page of its own is there or a redirect leads away."""

from collections.abc import Callable
from typing import Final

from django.http import HttpResponse

from core.registry import Registry
from core.site import SiteRequest

# By the slug that they have in place of a page, with what shows them (`blog.views.page`). It gets the rest of the path
# after the slug, such as `a` of `/tags/a/`, or an empty string, and raises Http404 if there is nothing to show. No page
# gets such a slug by accident, but one that had it in WordPress keeps it.
generated_pages: Final[Registry[Callable[[SiteRequest, str], HttpResponse]]] = Registry("generated page")
