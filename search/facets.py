"""Facets by which results can be narrowed down: their tags, categories and years."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, QuerySet
from django.db.models.functions import ExtractYear
from django.utils.translation import gettext

from blog.models import Category, Entry, PostInCategory
from core.prepared import Prepared
from tags.models import Tag, TaggedPost

# Only the best hits are counted, to limit the cost.
MAX_COUNTED: Final = 300
_MAX_LINKS: Final = 8


@dataclass(frozen=True, slots=True)
class FacetLink:
    """A link that narrows results down. `filter` is put before the query."""

    label: str
    count: int
    filter: str


def facets_of(pks: Sequence[int]) -> list[tuple[str, list[FacetLink]]]:
    """Return the most frequent tags and categories of the best of these entries, and their years. Takes five queries.

    A facet has a label. Links that all of the entries share are left out, because they would not narrow anything down.
    """
    counted = list(pks[:MAX_COUNTED])
    years = [
        FacetLink(str(year), count, f"after:{year:04} before:{year + 1:04}")
        for year, count in _years(counted)
        if count < len(counted)
    ]
    facets = [
        (gettext("Tags"), _links("tag", Tag, _tags(counted), len(counted))),
        (gettext("Categories"), _links("category", Category, _categories(counted), len(counted))),
        (gettext("Years"), years),
    ]
    return [(label, links) for label, links in facets if links]


@Prepared
def _years(pks: Any) -> QuerySet[Any, tuple[int, int]]:
    dated = Entry.objects.filter(pk__in=pks).exclude(published_on=None).order_by()
    years: Any = dated.annotate(year=ExtractYear("published_on")).values_list("year")
    counted: QuerySet[Any, tuple[int, int]] = years.annotate(count=Count("pk")).order_by("-year")
    return counted


_tags = Prepared[tuple[int, int]](
    lambda pks: _most_frequent(TaggedPost.objects.filter(content_object__pk__in=pks), "tag"),
)
_categories = Prepared[tuple[int, int]](
    # A category includes the posts of its subcategories, as the filter does.
    lambda pks: _most_frequent(PostInCategory.objects.filter(post__pk__in=pks), "category"),
)


def _most_frequent(rows: Any, name: str) -> Any:
    """Return the most frequent IDs in this column, and how many rows have them: a few more than are shown.

    Names are not fetched, because then those of all other IDs would have to be looked up as well.
    """
    counted = rows.order_by().values_list(name).annotate(count=Count("*"))
    return counted.order_by("-count", name)[: 3 * _MAX_LINKS]


def _links(name: str, model: type[Tag | Category], counts: Iterable[tuple[int, int]], total: int) -> list[FacetLink]:
    count_of = dict([(pk, count) for pk, count in counts if count < total][:_MAX_LINKS])
    rows = model._default_manager.filter(pk__in=count_of).values_list("pk", "slug", "name")
    links = [FacetLink(label, count_of[pk], f"{name}:{slug}") for pk, slug, label in rows]
    return sorted(links, key=lambda link: (-link.count, link.filter))
