"""The page of a tag."""

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from blog.listing import FeedLink, listing_response
from core.site import SiteRequest
from tags.aliases import find_renamed
from tags.models import Tag, TaggedPost


@require_safe
def by_tag(request: SiteRequest, slug: str, page_number: int | None = None) -> HttpResponse:
    """List the posts of a tag. A former slug redirects to its tag."""
    tag = Tag.objects.filter(slug=slug).first()
    if tag is None:
        url = find_renamed(slug).get_absolute_url()
        return HttpResponsePermanentRedirect(f"{url}page/{page_number}/" if page_number else url)
    return listing_response(
        request,
        page_number,
        url=tag.get_absolute_url(),
        ids=TaggedPost.objects.public().filter(tag=tag).newest_first().values("content_object"),
        heading=gettext("Posts Tagged ‘%(name)s’") % {"name": tag.name},
        title=tag.name,
        description=tag.description,
        feeds=[FeedLink(tag.name, reverse("tags:tag_feed", args=[tag.slug]))],
    )
