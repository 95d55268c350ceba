"""The tree of an export's pages, settled before any page is stored: children may come before their parents."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from accounts.slugs import slug_from_export, slugify
from blog.models import RESERVED_SLUGS, Page
from blog.trees import MAX_PATH_LENGTH
from wordpress.identity import Identities, Identity
from wordpress.lookups import rows
from wordpress.plain import numbered, plain, usable_slug
from wordpress.reports import PAGES, Report
from wordpress.survey import PageStub, Survey
from wordpress.trees import parents_first


@dataclass(frozen=True, slots=True)
class PagePlan:
    """Who a page is and where it will stand."""

    identity: Identity
    slug: str = ""
    path: str = ""
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class PageMove:
    """Where a page that is here shall stand: by its key, with its number in the export."""

    pk: int
    number: int
    slug: str
    parent: int | None


def plan_pages(survey: Survey, report: Report) -> list[PagePlan]:
    """A plan for each page of the export, in its order. Of pages that are here it says the parent only."""
    stubs = survey.pages
    identities = list(Identities(Page, survey.highest_item, survey.site).of(stubs))
    by_id = _by_id(stubs, identities)
    parents = [by_id.get(stub.parent) if stub.parent else None for stub in stubs]
    plans = [
        PagePlan(identity, parent=None if index is None else identities[index].pk)
        for identity, index in zip(identities, parents, strict=True)
    ]
    known = (identity.pk for identity in identities if identity.known)
    paths: dict[int, str] = dict(rows(Page, "pk", known, "pk", "path"))
    taken = set(Page.objects.values_list("path", flat=True))
    for index, parent in _settling(stubs, identities, report):
        stub, identity = stubs[index], identities[index]
        above = identities[parent].pk if parent is not None else None
        path_above = paths.get(above, "") if above is not None else ""
        slug = usable_slug(stub.slug) or slugify(plain(stub.title))[:200] or Page.slug_fallback
        if len(path_above) + 1 + len(slug) > MAX_PATH_LENGTH:
            _note(report, stub, _("It stands too deep: here it stands at the top."))
            above, path_above = None, ""
        start = f"{path_above}/" if path_above else ""
        free = numbered(slug, lambda wanted, start=start: start + wanted in taken)  # type: ignore[misc]  # bound at once
        _note_address(report, stub, free, at_top=not start)
        paths[identity.pk] = start + free
        taken.add(start + free)
        plans[index] = replace(plans[index], slug=free, path=start + free, parent=above)
    return plans


def _settling(stubs: list[PageStub], identities: list[Identity], report: Report) -> Iterator[tuple[int, int | None]]:
    """The indices of new pages with those of their parents: parents first, and public pages before their rivals."""
    new = [index for index, identity in enumerate(identities) if not identity.known and not identity.again]
    by_id = _by_id(stubs, identities)
    parents = {index: by_id.get(stubs[index].parent) if stubs[index].parent else None for index in new}
    order, circular = parents_first({index: parents[index] for index in sorted(new, key=lambda i: not stubs[i].public)})
    for index in order:
        if index in circular:
            _note(report, stubs[index], _("It stands under itself in the export: here it stands at the top."))
            yield index, None
            continue
        if stubs[index].parent and parents[index] is None:
            _note(report, stubs[index], _("Its parent is not in the export: here it stands at the top."))
        yield index, parents[index]


def _by_id(stubs: list[PageStub], identities: list[Identity]) -> dict[int, int]:
    """The index of each page by its number; of two with one number the first."""
    found: dict[int, int] = {}
    for index, identity in enumerate(identities):
        if not identity.again:
            found.setdefault(stubs[index].id, index)
    return found


def move_pages(moves: Iterable[PageMove], report: Report) -> None:
    """Let pages stand where the export has them now; the addresses they had lead to them.

    Parents first: so nothing is put under itself, whatever stands under what now.
    """
    by_pk = {move.pk: move for move in moves}
    order, circular = parents_first({move.pk: move.parent for move in by_pk.values()})
    for pk in order:
        move, page = by_pk[pk], Page.objects.select_related("parent").get(pk=pk)
        parent = Page.objects.get(pk=move.parent) if move.parent and pk not in circular else None
        if (page.slug, page.parent) == (move.slug, parent):
            continue
        modified_at = page.modified_at
        page.slug = move.slug
        if not page.fits_under(parent):
            text = _("It cannot stand where the export has it: here it stays where it is.")
            report.note(PAGES, move.number, page.title, text)
            continue
        page.parent = parent
        page.save()
        if page.slug != move.slug:
            report.note(PAGES, move.number, page.title, _("Its address cannot be kept: here it is “%s”.") % page.slug)
        # Moved by this import, not by somebody here.
        Page.objects.filter(pk=pk).update(modified_at=modified_at)


def _note_address(report: Report, stub: PageStub, slug: str, *, at_top: bool) -> None:
    if stub.slug and slug != slug_from_export(stub.slug):
        _note(report, stub, _("Its address cannot be kept: here it is “%s”.") % slug)
    if at_top and (slug in RESERVED_SLUGS or slug.isdecimal()):
        _note(report, stub, _("The site uses the address “%s” itself: give it another.") % slug)


def _note(report: Report, stub: PageStub, text: str) -> None:
    report.note(PAGES, stub.id, plain(stub.title), text)
