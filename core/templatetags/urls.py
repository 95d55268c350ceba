"""URLs in templates, without `{% load %}`.

`{% url "…" %}` is Django's, but looks up a URL without variables only once. `|readable_url` is a URL with its letters,
such as those of an Arabic slug, unescaped, as they are typed.
"""

from django import template
from django.template import Node, defaulttags
from django.template.base import Parser, Token
from django.utils.encoding import uri_to_iri

from core.constant_nodes import ConstantNode, is_constant

register = template.Library()
register.filter("readable_url", uri_to_iri)


@register.tag
def url(parser: Parser, token: Token) -> Node:
    node = defaulttags.url(parser, token)
    parts = [node.view_name, *node.args, *node.kwargs.values()]
    return node if node.asvar or not all(map(is_constant, parts)) else ConstantNode(node)
