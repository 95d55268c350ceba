"""`{% remembered_template name %}`: a template that is the same on every page."""

from typing import Any

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString


register = template.Library()


@register.simple_tag(takes_context=True)
def remembered_template(context: Context, name: str, **values: Any) -> SafeString:
    """Return the template as HTML, rendered once until the next change.

    It gets the site's settings, and `values` that are the same on every page.
    """
    site = context["site"]
    return site.remember(lambda: render_to_string(name, {"site": site, **values}), "template", name)
