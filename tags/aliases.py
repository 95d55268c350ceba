"""Finding a tag by a slug that no tag has now."""

from django.http import Http404
from django.utils.translation import gettext

from core.slugs import slug_from_export, slugify
from tags.models import Tag, TagAlias


def find_renamed(slug: str) -> Tag:
    """Return the tag that had this slug before, or has another form of it. Raises Http404.

    As in WordPress, `Two Words` finds `two-words`: programs that write exports give such slugs.
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
