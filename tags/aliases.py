"""Which tag is meant by a slug that none has."""

from django.shortcuts import get_object_or_404

from accounts.slugs import slug_from_export
from tags.models import Tag, TagAlias


def renamed(slug: str) -> Tag:
    """The tag that once had this slug, or has it in another writing. Raises Http404."""
    stored = slug_from_export(slug).lower()
    alias = TagAlias.objects.filter(slug__in={slug, stored}).select_related("tag").first()
    return alias.tag if alias else get_object_or_404(Tag, slug=stored)
