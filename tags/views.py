"""The page of a tag."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from blog.listing import FeedLink, Listing, listing_response
from blog.redirects.look_up import RedirectToPage, rows_at
from blog.structured_data import breadcrumb_list
from blog.terms import Term
from core.prepared import Prepared
from core.site import SiteRequest
from core.slugs import slug_from_export, slugify
from tags.models import Tag, TagAlias, TaggedPost

_by_slugs = Prepared[Tag](lambda slugs: Tag.objects.filter(slug__in=slugs))
_by_aliases = Prepared[TagAlias](lambda slugs: TagAlias.objects.filter(slug__in=slugs).select_related("tag"))
_listing = Listing(
    lambda now, tag: TaggedPost.objects.public(now).filter(tag=tag).newest_first().values("content_object")
)


@require_safe
def by_tag(request: SiteRequest, slug: str, page_number: int | None = None) -> HttpResponse:
    """List the posts of a tag. A former slug redirects to its tag."""
    tag = find_tag(request, slug)
    if tag.slug != slug:
        url = tag.get_absolute_url()
        return HttpResponsePermanentRedirect(f"{url}page/{page_number}/") if page_number else RedirectToPage(url)
    return listing_response(
        request,
        page_number,
        url=tag.get_absolute_url(),
        listing=_listing,
        about=[tag.pk],
        heading=gettext("Posts Tagged ‘%(name)s’") % {"name": tag.name},
        title=gettext("Posts tagged “%(tag)s”") % {"tag": tag.name},
        description=tag.description,
        feeds=[FeedLink(tag.name, reverse("tags:tag_feed", args=[tag.slug]))],
        nodes=lambda: [breadcrumb_list(request.site, [Term(tag.name, tag.get_absolute_url())])],
    )


def find_tag(request: HttpRequest, slug: str) -> Tag:
    """Return the tag that has this slug, or that had it before, or that has another form of it. Raises Http404.

    As in WordPress, `Two Words` finds `two-words`. Some programs write such slugs into exports.
    """
    stored = slug_from_export(slug).lower()
    forms = [slug, stored, slugify(stored)]
    tags, aliases = rows_at(request, (_by_slugs, [forms]), (_by_aliases, [forms]))
    found: dict[str, Tag] = {tag.slug: tag for tag in tags} | {alias.slug: alias.tag for alias in aliases}
    for form in forms:
        if form in found:
            return found[form]
    raise Http404(gettext("That tag doesn't exist."))
