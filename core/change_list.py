"""The lists of the admin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, SEARCH_VAR, ChangeList
from django.core.paginator import Page, Paginator
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext

from core.outages import is_outage

# In characters. The values of all filters together are shorter, and comparing each row with thousands takes seconds.
_MAX_FILTER_LENGTH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Tab:
    """A link to a part of a list (templates/admin/_tabs.html). `query` is that of its URL, with the question mark."""

    label: str
    query: str
    is_current: bool
    count: int | None = None


class IdPaginator(Paginator[Any]):
    """Chooses the rows of a page first.

    Otherwise, PostgreSQL computes the annotations of all rows before them, and SQLite looks up their related rows.
    """

    def page(self, number: int | str) -> Page[Any]:
        page = super().page(number)
        rows: Any = self.object_list
        chosen: Any = page.object_list
        page.object_list = rows.filter(pk__in=chosen.values("pk"))
        return page


class FilterChangeList(ChangeList):
    """A list with tabs and filters above it (templates/admin/change_list.html)."""

    tabs: Sequence[Tab] = ()

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(request, *args, **kwargs)
        except (ValueError, OverflowError, DatabaseError) as error:
            if is_outage(error) or request.GET.keys() <= {ERROR_FLAG}:
                # Not because of the URL. Django would call that a success.
                raise
            # The URL has a condition that makes no sense, such as one with a date in the year 10000.
            raise IncorrectLookupParameters from error

    def get_filters(self, request: HttpRequest) -> Any:
        if sum(len(value) for values in self.filter_params.values() for value in values) > _MAX_FILTER_LENGTH:
            raise IncorrectLookupParameters
        return super().get_filters(request)

    @property
    def filters(self) -> list[Any]:
        """The filters that are shown."""
        return self.filter_specs

    @cached_property
    def chips(self) -> list[dict[str, str]]:
        """The search and the active filters, each with its name, its value, and the URL of the list without it."""
        chips = []
        if self.query:
            without = self.get_query_string({}, [SEARCH_VAR])
            chips.append({"name": gettext("search"), "value": self.query, "url": without})
        for spec in self.filters:
            everything, *choices = spec.choices(self)
            if everything["selected"]:
                continue
            # The URL may contain a value that is not among the choices.
            typed = ", ".join(map(str, spec.used_parameters.values()))
            value = next((str(choice["display"]) for choice in choices if choice["selected"]), typed)
            # Leading dashes show the depth in a tree.
            chips.append({"name": spec.title, "value": value.lstrip("— "), "url": everything["query_string"]})
        return chips
