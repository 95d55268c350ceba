"""The categories, tags and other terms here, as exports of a site refer to them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from django.db.models import Q

from blog.models import Category, Redirect
from core.bulk import fetch_rows
from tags.models import Tag, TagAlias
from wordpress.importing.report import CATEGORIES, TAGS
from wordpress.models import ImportedItem, PreservedData
from wordpress.wxr.access import restricts_term
from wordpress.wxr.records import CATEGORY, TAG, Term

# Where the meta fields of categories and tags are (wordpress.importing.preserved).
_META: Final = "preserved__fields__meta"
_HAS_META: Final = Q(preserved__fields__has_key="meta")
_KINDS: Final = {CATEGORY: CATEGORIES, TAG: TAGS}


def stored_terms(site: str, wanted: Iterable[tuple[str, int]]) -> Iterator[Term]:
    """Yield the terms with these taxonomies and IDs in earlier exports of the site, once for each of their slugs."""
    ids: defaultdict[str, set[int]] = defaultdict(set)
    for taxonomy, wordpress_id in wanted:
        ids[taxonomy].add(wordpress_id)
    for taxonomy, kind in _KINDS.items():
        columns = "object_pk", "wordpress_id"
        rows = fetch_rows(ImportedItem, "wordpress_id", ids.pop(taxonomy, ()), *columns, kind=kind, site=site)
        exported_ids = dict(rows)
        names = dict(fetch_rows(Category if taxonomy == CATEGORY else Tag, "pk", exported_ids, "pk", "name"))
        for pk, slug in _slugs(taxonomy, names):
            yield Term(taxonomy, slug, names[pk], "", "", exported_ids[pk])
    conditions = {"kind": PreservedData.Kind.TERM, "site": site}
    columns = "wordpress_id", "fields"
    for wordpress_id, fields in fetch_rows(
        PreservedData, "wordpress_id", set[int]().union(*ids.values()), *columns, **conditions
    ):
        elements = fields.get("elements", {})
        taxonomy = elements.get("wp:term_taxonomy", "")
        if wordpress_id in ids.get(taxonomy, ()):
            name = elements.get("wp:term_name", "")
            yield Term(taxonomy, elements.get("wp:term_slug", ""), name, "", "", wordpress_id)


def restricted_terms(site: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the taxonomy and slug of each restricted term here, and all slugs of the terms whose posts it restricts.

    An export has the slugs that the terms had before they were changed here.
    """
    pks = ImportedItem.objects.filter(site=site).values("object_pk")
    rows = Category.objects.filter(_HAS_META, pk__in=pks.filter(kind=CATEGORIES)).values_list("path", "slug", _META)
    categories = {path: slug for path, slug, meta in rows if is_restricted(meta)}
    below: defaultdict[str, list[int]] = defaultdict(list)
    for pk, path in Category.objects.order_by().values_list("pk", "path") if categories else ():
        for above in accumulate(path.split("/"), "{}/{}".format):
            if above in categories:
                below[above].append(pk)
    slugs = _slugs_by_pk(CATEGORY, {pk for each in below.values() for pk in each})
    for path, slug in categories.items():
        yield CATEGORY, slug, [each for pk in below[path] for each in slugs[pk]]
    tag_rows = Tag.objects.filter(_HAS_META, pk__in=pks.filter(kind=TAGS)).values_list("pk", "slug", _META)
    tags = {pk: slug for pk, slug, meta in tag_rows if is_restricted(meta)}
    slugs = _slugs_by_pk(TAG, tags)
    for pk, slug in tags.items():
        yield TAG, slug, slugs[pk]
    others = PreservedData.objects.filter(kind=PreservedData.Kind.TERM, site=site, fields__has_key="meta")
    for elements, meta in others.values_list("fields__elements", "fields__meta"):
        if is_restricted(meta):
            yield elements.get("wp:term_taxonomy", ""), (slug := elements.get("wp:term_slug", "")), [slug]


def is_restricted(meta: Iterable[Sequence[str]]) -> bool:
    """Return whether only some readers could see the posts filed under a term with these meta fields."""
    return any(restricts_term(key, value) for key, value in meta)


def _slugs_by_pk(taxonomy: str, pks: Collection[int]) -> dict[int, list[str]]:
    slugs: defaultdict[int, list[str]] = defaultdict(list)
    for pk, slug in _slugs(taxonomy, pks):
        slugs[pk].append(slug)
    return slugs


def _slugs(taxonomy: str, pks: Collection[int]) -> Iterator[tuple[int, str]]:
    """Yield the ID of each of these categories or tags here with its slug, and with each of its former ones."""
    if taxonomy == CATEGORY:
        yield from fetch_rows(Category, "pk", pks, "pk", "slug")
        for pk, path in fetch_rows(Redirect, "category", pks, "category", "path"):
            yield pk, path.rstrip("/").rpartition("/")[2]
    else:
        yield from fetch_rows(Tag, "pk", pks, "pk", "slug")
        yield from fetch_rows(TagAlias, "tag", pks, "tag", "slug")
