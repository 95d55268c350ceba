"""The page that replaces the list of posts at the root of the site, and the page that shows the list instead."""

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext

from blog.models import Page
from core.text import parse_id

# How many pages are offered.
_SHOWN: Final = 300


def _possible_pages() -> QuerySet[Any, Page]:
    """Return the pages that readers can see without a password, with what their titles and URLs need."""
    pages: QuerySet[Any, Page] = Page.objects.published().filter(password="")
    return pages.only("kind", "title", "path", "password").order_by("path")


def find_page(pk: str) -> Page | None:
    """Return the page with this ID, if readers can see it without a password."""
    return _possible_pages().filter(pk=page_id).first() if (page_id := parse_id(pk)) else None


class PageSelect(forms.Select):
    """A choice of one of the public pages."""

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> Any:
        pages = list(_possible_pages()[:_SHOWN])
        chosen = find_page(value[0]) if value and value[0] else None
        if chosen is not None and chosen not in pages:
            pages.append(chosen)
        self.choices = [("", gettext("None")), *((str(page.pk), f"{page} (/{page.path}/)") for page in pages)]
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
