"""What results can be narrowed down to: their tags, categories and years."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count
from django.db.models.functions import ExtractYear
from django.utils.translation import gettext

from blog.models import Entry
from tags.models import TaggedPost

# Only the best hits are looked at, so that the cost has a limit.
MAX_COUNTED: Final = 300
_MAX_LINKS: Final = 8


@dataclass(frozen=True, slots=True)
class FacetLink:
    """`filter` is what to add to the query."""

    label: str
    count: int
    filter: str


@dataclass(frozen=True, slots=True)
class Facet:
    label: str
    links: list[FacetLink]


def facets_of(pks: Sequence[int]) -> list[Facet]:
    """Return the tags and categories that most of the best of these entries have, and their years. Five queries.

    What all of them have is left out, because it would not narrow anything down.
    """
    counted = pks[:MAX_COUNTED]
    filed: Any = Entry.categories.through._default_manager
    dated = Entry.objects.filter(pk__in=counted).exclude(published_on=None).order_by()
    years = dated.annotate(year=ExtractYear("published_on")).values_list("year").annotate(count=Count("pk"))
    facets = [
        Facet(gettext("Tags"), _terms(TaggedPost.objects.filter(content_object__in=counted), "tag", len(counted))),
        Facet(gettext("Categories"), _terms(filed.filter(entry__in=counted), "category", len(counted))),
        Facet(
            gettext("Years"),
            [
                FacetLink(str(year), count, f"after:{year:04} before:{year + 1:04}")
                for year, count in years.order_by("-year")
                if count < len(counted)
            ],
        ),
    ]
    return [facet for facet in facets if facet.links]


def _terms(rows: Any, name: str, total: int) -> list[FacetLink]:
    """Return the most frequent tags or categories in these rows, of which no entry has the same one twice."""
    counted = rows.order_by().values_list(name).annotate(count=Count("pk")).filter(count__lt=total)
    most = dict(counted.order_by("-count", name)[:_MAX_LINKS])
    # Only then their names, because most of them are not shown.
    terms = rows.model._meta.get_field(name).related_model._default_manager.filter(pk__in=most)
    links = [
        FacetLink(label, most[pk], f"{name}:{slug}") for pk, slug, label in terms.values_list("pk", "slug", "name")
    ]
    return sorted(links, key=lambda link: (-link.count, link.filter))
