"""The page of a tag."""

from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from blog.listing import FeedLink, Listing, listing_response
from core.prepared import Prepared
from core.site import SiteRequest
from core.slugs import slug_from_export, slugify
from tags.models import Tag, TagAlias, TaggedPost

_by_slug = Prepared[Tag](lambda slug: Tag.objects.filter(slug=slug))
_listing = Listing(
    lambda now, tag: TaggedPost.objects.public(now).filter(tag=tag).newest_first().values("content_object")
)


@require_safe
def by_tag(request: SiteRequest, slug: str, page_number: int | None = None) -> HttpResponse:
    """List the posts of a tag. A former slug redirects to its tag."""
    tag = find_tag(slug)
    if tag is None:
        url = find_renamed(slug).get_absolute_url()
        return HttpResponsePermanentRedirect(f"{url}page/{page_number}/" if page_number else url)
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
    )


def find_tag(slug: str) -> Tag | None:
    """Return the tag that has this slug now."""
    found = _by_slug(slug)
    return found[0] if found else None


def find_renamed(slug: str) -> Tag:
    """Return the tag that had this slug before, or that has another form of it. Raises Http404.

    As in WordPress, `Two Words` finds `two-words`. Some programs write such slugs into exports.
    """
    stored = slug_from_export(slug).lower()
    forms = dict.fromkeys([slug, stored, slugify(stored)])
    aliases = TagAlias.objects.filter(slug__in=forms).select_related("tag")
    found = {tag.slug: tag for tag in Tag.objects.filter(slug__in=forms)}
    found |= {alias.slug: alias.tag for alias in aliases}
    for form in forms:
        if form in found:
            return found[form]
    raise Http404(gettext("That tag doesn't exist."))
