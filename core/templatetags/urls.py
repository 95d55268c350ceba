"""`|readable_url`: a URL with its letters, such as those of an Arabic slug, unescaped, as they are typed."""

from django import template
from django.utils.encoding import uri_to_iri

register = template.Library()
register.filter("readable_url", uri_to_iri)
