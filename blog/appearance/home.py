"""The page that replaces the list of posts at the root of the site, and the page that shows the list instead."""

from typing import Any, Final, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from blog.models import Page
from core.text import parse_id

# How many pages are offered.
_SHOWN: Final = 300


class HomePage(NamedTuple):
    """A page with one of these roles, reduced to what URLs need."""

    pk: int
    path: str
    title: str


def find_page(pk: str) -> HomePage | None:
    """Return the page with this ID, if readers can see it without a password."""
    if not (number := parse_id(pk)):
        return None
    pages = Page.objects.published().filter(pk=number, password="")
    return next((HomePage(*row) for row in pages.values_list("pk", "path", "title")), None)


class PageSelect(forms.Select):
    """A choice of one of the public pages."""

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> Any:
        pages = Page.objects.published().filter(password="").order_by("path").values_list("pk", "title", "path")
        listed = [(str(pk), f"{title or gettext('(no title)')} (/{path}/)") for pk, title, path in pages[:_SHOWN]]
        chosen = find_page(value[0]) if value and value[0] else None
        if chosen is not None and str(chosen.pk) not in dict(listed):
            listed.append((str(chosen.pk), f"{chosen.title} (/{chosen.path}/)"))
        self.choices = [("", gettext("None")), *listed]
        return super().optgroups(name, value, attrs)


class PageField(forms.CharField):
    """The ID of a public page, or an empty string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=PageSelect, **kwargs)

    def clean(self, value: Any) -> str:
        pk: str = super().clean(value)
        if pk and find_page(pk) is None:
            raise ValidationError(gettext("Choose a page that readers can see without a password."), code="missing")
        return pk
