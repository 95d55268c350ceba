"""URLs as people read them."""

from django import template
from django.utils.encoding import uri_to_iri

register = template.Library()


@register.filter
def readable_url(url: str) -> str:
    """Return a URL with its letters, such as those of an Arabic slug, unescaped, as they are typed."""
    return uri_to_iri(url)
