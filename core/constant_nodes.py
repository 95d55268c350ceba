"""Tags of templates whose output depends on nothing but the language, such as `{% translate "Search" %}`."""

from django.template import Context, Library, Node
from django.template.base import FilterExpression, Parser, Token
from django.templatetags import i18n
from django.utils.translation import get_language


class ConstantNode(Node):
    """Renders another node once for each language, because Django would look up the same text for each page."""

    child_nodelists = ()

    def __init__(self, node: Node) -> None:
        self._node = node
        self._texts: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        text = self._texts.get(language)
        if text is None:
            text = self._texts[language] = self._node.render(context)
        return text


def is_constant(expression: FilterExpression) -> bool:
    """Return whether an argument of a tag is a string in quotes, without filters."""
    # The tag `translate` turns a string into a variable without lookups.
    is_string = isinstance(expression.var, str) or getattr(expression.var, "lookups", ()) is None
    return is_string and not expression.filters


# Django's library `i18n`, which looks up constant messages once (see core.templates).
translations = Library()
translations.tags.update(i18n.register.tags)
translations.filters.update(i18n.register.filters)


@translations.tag("trans")
@translations.tag("translate")
def translate(parser: Parser, token: Token) -> Node:
    node = i18n.do_translate(parser, token)
    parts = [node.filter_expression, *([node.message_context] if node.message_context else [])]
    return node if node.asvar or not all(map(is_constant, parts)) else ConstantNode(node)
