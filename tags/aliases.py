"""Which tag is meant by a slug that none has."""

from django.http import Http404
from django.utils.translation import gettext

from accounts.slugs import slug_from_export, slugify
from tags.models import Tag, TagAlias


def renamed(slug: str) -> Tag:
    """The tag that once had this slug, or has it in another writing. Raises Http404.

    As in WordPress `Two Words` is read as `two-words`: programs that write exports give such slugs.
    """
    stored = slug_from_export(slug).lower()
    writings = dict.fromkeys([slug, stored, slugify(stored)])
    aliases = TagAlias.objects.filter(slug__in=writings).select_related("tag")
    found = {tag.slug: tag for tag in Tag.objects.filter(slug__in=writings)}
    found |= {alias.slug: alias.tag for alias in aliases}
    for writing in writings:
        if writing in found:
            return found[writing]
    raise Http404(gettext("There is no such tag."))
