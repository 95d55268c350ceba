"""Commands in texts for the owner, which are also printed in terminals and so contain no HTML."""

import re
from typing import Final

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# A left-to-right mark. Some translations need it where this can't be said in HTML, such as in terminals.
_MARK: Final = "\u200e"
# What is in the quotation marks of any of our languages, if it is all ASCII.
_COMMAND: Final = re.compile(rf"(?<=[“«„])[ -~{_MARK}]+(?=[”»“])")


@register.filter
def with_commands(text: str) -> SafeString:
    """Return `text` as HTML in which commands read from left to right, even within Arabic, and can be copied."""
    html = _COMMAND.sub(lambda found: f'<bdi dir="ltr">{found[0].replace(_MARK, "")}</bdi>', conditional_escape(text))
    return mark_safe(html)  # noqa: S308  # escaped above
