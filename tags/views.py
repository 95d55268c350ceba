"""The page of a tag, and of two or three tags together."""

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from blog.appearance.options import Link
from blog.listings.listing import Listing, listing_response
from blog.page_metadata.structured_data import breadcrumb_list
from blog.redirects.look_up import RedirectToPage, rows_at
from blog.terms import Term
from core.models import SiteSettings
from core.prepared import Parameter, Prepared
from core.site import SiteRequest
from core.slugs import slug_from_export, slugify
from core.text import remove_unstorable
from tags.models import Tag, TagAlias, TaggedPost
from tags.tagging import tag_url

# How many tags can be combined, as in `/tag/a+b+c/`. A flood can ask for any combination.
MAX_COMBINED: Final = 3
# Separates the slugs of combined tags. The slug of an imported tag may contain it as well, and takes precedence.
_PLUS: Final = "+"

_by_slugs = Prepared[Tag](lambda now, slugs: Tag.objects.known(now).filter(slug__in=slugs))
_by_aliases = Prepared[TagAlias](
    lambda now, slugs: TagAlias.objects.filter(
        Exists(Tag.objects.known(now).filter(pk=OuterRef("tag"))), slug__in=slugs
    ).select_related("tag")
)


def post_ids(now: Parameter | None, tag: Any, *others: Any) -> QuerySet[Any, Any]:
    """Return the IDs of public posts with all of these tags. The rows of the first tag are read."""
    rows = TaggedPost.objects.public(now).filter(tag=tag)
    for other in others:
        rows = rows.filter(Exists(TaggedPost.objects.filter(content_object=OuterRef("content_object"), tag=other)))
    return rows.newest_first().values("content_object")


posts_with_tags: Final = Listing(post_ids)


@require_safe
def by_tag(request: SiteRequest, slug: str, page_number: int | None = None) -> HttpResponse:
    """List the posts of a tag, or those that have all of several tags. Other forms of the slug redirect."""
    tags = find_tags(request, slug)
    slug_of_all, name = joined_slug(tags), joined_name(tags)
    url = tag_url(slug_of_all)
    if slug_of_all != slug:
        return HttpResponsePermanentRedirect(f"{url}page/{page_number}/") if page_number else RedirectToPage(url)
    is_combined = len(tags) > 1
    response = listing_response(
        request,
        page_number,
        url=url,
        listing=posts_with_tags,
        about=rarest_first(request.site, tags),
        heading=gettext("Posts Tagged ‘%(name)s’") % {"name": name},
        title=gettext("Posts tagged “%(tag)s”") % {"tag": name},
        description="" if is_combined else tags[0].description,
        feeds=[Link(name, reverse("tags:tag_feed", args=[slug_of_all]))],
        not_found_if_empty=is_combined,
        is_combined=is_combined,
        nodes=lambda: [breadcrumb_list(request.site, [Term(name, url)])],
    )
    if is_combined:
        # There are more combinations than posts, and they contain nothing new.
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def joined_slug(tags: Iterable[Tag]) -> str:
    """Return the combined slug of these tags, for their URL."""
    return _PLUS.join(tag.slug for tag in tags)


def joined_name(tags: Iterable[Tag]) -> str:
    return f" {_PLUS} ".join(tag.name for tag in tags)


def rarest_first(site: SiteSettings, tags: list[Tag]) -> list[int]:
    """Return the IDs of these tags, fewest posts first. The counts are the ones that their own pages remember."""
    if len(tags) == 1:
        return [tags[0].pk]

    def count(tag: Tag) -> int:
        return site.remember(lambda: posts_with_tags.count([tag.pk]), "count", tag.get_absolute_url())

    return [tag.pk for tag in sorted(tags, key=count)]


def find_tags(request: HttpRequest, slug: str) -> list[Tag]:
    """Return the tag that has this slug, or had it before, or the tags that it combines, sorted by slug.

    As in WordPress, `Two Words` finds `two-words`. Some programs write such slugs into exports. Raises Http404.
    """
    parts = [part for part in dict.fromkeys(slug.split(_PLUS)) if part] if _PLUS in slug else []
    if len(parts) > MAX_COMBINED:
        parts = []
    forms = _forms(slug)
    slugs = [*forms, *(form for part in parts for form in _forms(part))]
    values = [timezone.now(), slugs]
    tags, aliases = rows_at(request, (_by_slugs, values), (_by_aliases, values))
    found: dict[str, Tag] = {tag.slug: tag for tag in tags} | {alias.slug: alias.tag for alias in aliases}

    def first(forms: Iterable[str]) -> Tag | None:
        return next((found[form] for form in forms if form in found), None)

    *exact, _simplified = forms
    if tag := first(exact):
        return [tag]
    combined = [tag for part in parts if (tag := first(_forms(part)))]
    if combined and len(combined) == len(parts):
        return sorted({tag.pk: tag for tag in combined}.values(), key=lambda tag: tag.slug)
    if tag := first(forms):
        return [tag]
    raise Http404(gettext("That tag doesn't exist."))


def _forms(slug: str) -> list[str]:
    """Return this slug, the form in which it may be stored, and the one that WordPress would make of it."""
    stored = remove_unstorable(slug_from_export(slug)).lower()
    return [slug, stored, slugify(stored)]
