"""Django's tags for translations, except that `{% translate "…" %}` looks up its message once for each language.

The library of an app replaces Django's of the same name.
"""

from django.template import Library, Node
from django.template.base import Parser, Token
from django.templatetags import i18n

from core.constant_nodes import ConstantNode, is_constant

register = Library()
register.tags.update(i18n.register.tags)
register.filters.update(i18n.register.filters)


@register.tag("trans")
@register.tag("translate")
def translate(parser: Parser, token: Token) -> Node:
    node = i18n.do_translate(parser, token)
    parts = [node.filter_expression, *([node.message_context] if node.message_context else [])]
    return node if node.asvar or not all(map(is_constant, parts)) else ConstantNode(node)
