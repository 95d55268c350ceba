"""Moving in: WordPress exports into this site. All of it or nothing, and twice is as once."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from django.core.management.color import no_style
from django.db import connection, models, transaction

from accounts.models import User
from blog.models import Category, Enclosure, OldAddress, Page, Post
from blog.site import content_changed
from comments.models import Comment
from tags.models import Tag, TagAlias, TaggedPost
from wordpress.attachments import Attachments
from wordpress.authors import Authors, demand_authors, people_named
from wordpress.blogs import site_of
from wordpress.building import MARKUP
from wordpress.comments import Comments
from wordpress.entries import Entries
from wordpress.fetching import Fetching, hosts_of
from wordpress.former import FormerAddresses
from wordpress.fragments import bring_in_block, bring_in_notes
from wordpress.kept import KeptItems, keeping
from wordpress.leftovers import Leftovers
from wordpress.media import Media, bring_in_files
from wordpress.memory import Memory
from wordpress.menus import Menus
from wordpress.models import Attachment, Fragment, ImportedItem
from wordpress.moved import known_if_none_is_here
from wordpress.origins import bringing_in
from wordpress.posttypes import REUSABLE_BLOCK
from wordpress.records import Item
from wordpress.renderer import Renderer
from wordpress.reports import Report
from wordpress.sqlite import map_nothing
from wordpress.survey import Progress, Survey, reason_to_skip, size_of, take_survey
from wordpress.terms import Terms

_TABLES: tuple[type[models.Model], ...] = (
    User,
    Category,
    Tag,
    TagAlias,
    Post,
    Page,
    Enclosure,
    TaggedPost,
    Comment,
    ImportedItem,
    OldAddress,
    Fragment,
    Attachment,
)


def import_export(
    paths: Iterable[Path],
    *,
    dry_run: bool = False,
    media: Media | None = None,
    fetch_media: bool = False,
    map_authors: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
) -> Report:
    """Bring in what `paths` hold and is not here yet, in one transaction; then their files, one by one.

    Files come from `media`, or with `fetch_media` from the site that the export names. `map_authors` names authors of
    the export who are somebody here: user names by the login there.

    What an earlier import brought in is updated if it changed there and not here; all else stays as it is.
    With `dry_run` everything is done and taken back, so the report says what would happen; no file
    is looked for.
    Raises ExportRefused, and has then changed nothing, if a file is not a whole and harmless export,
    or `map_authors` names somebody who is not there or not here.
    """
    paths = list(paths)
    with (
        keeping() as kept,
        known_if_none_is_here(),
        Renderer(kept, size_of(paths), ahead=not ImportedItem.objects.exists()) as renderer,
    ):
        items = KeptItems(kept)

        def keep(item: Item) -> None:
            items.add(item)
            if item.content and not reason_to_skip(item):
                renderer.expect(item.content, MARKUP)

        mapped = people_named(map_authors)
        survey = take_survey(paths, progress, keep)
        demand_authors(survey, mapped)
        report = Report([str(path) for path in survey.paths], dry_run, warnings=survey.warnings)
        _bring_in_texts(survey, items, mapped, renderer, report, progress)
    if not dry_run:
        if fetch_media:
            media = Fetching(hosts_of(survey))
        bring_in_files(survey.site, media, report, progress)
    return report


def _bring_in_texts(
    survey: Survey,
    items: Iterable[Item],
    mapped: Mapping[str, User],
    renderer: Renderer,
    report: Report,
    progress: Progress | None,
) -> None:
    """All but files, in one transaction."""
    map_nothing()
    with transaction.atomic():
        _hold_other_writers_off()
        # An import that was taken back may have used up numbers; this one shall be as if it had never been.
        _reset_sequences()
        survey.site = site_of(survey, items)
        memory = Memory(survey.site)
        former = FormerAddresses()
        authors = Authors(memory, former, report, mapped)
        authors.bring_in(survey)
        terms = Terms(survey, memory, former, report)
        comments = Comments(survey, authors, memory, report)
        attachments = Attachments(survey, authors, report)
        _bring_in_blocks(survey, items, report)
        # Now nobody else can bring in files any more.
        with known_if_none_is_here(), bringing_in(survey.site):
            entries = Entries(survey, authors, terms, comments, memory, former, attachments, renderer, report)
            _bring_in_items(survey, items, entries, attachments, report, progress)
        if report.has_changes:
            _reset_sequences()
            content_changed()
        if report.dry_run:
            transaction.set_rollback(True)


def _bring_in_blocks(survey: Survey, items: Iterable[Item], report: Report) -> None:
    """Before all others: any text may show them."""
    if survey.items[REUSABLE_BLOCK]:
        for item in items:
            if item.type == REUSABLE_BLOCK:
                bring_in_block(item, survey.site, report)


def _bring_in_items(
    survey: Survey,
    items: Iterable[Item],
    entries: Entries,
    attachments: Attachments,
    report: Report,
    progress: Progress | None,
) -> None:
    menus, leftovers = Menus(), Leftovers(survey.site, survey.other_meta)
    for done, item in enumerate(items, 1):
        menus.add(item)
        if not reason_to_skip(item):
            leftovers.add(item)
            bring_in_notes(item, survey.site, report)
        if item.type != REUSABLE_BLOCK:
            entries.take(item)
        if progress:
            progress("importing", done, survey.total_items)
    entries.finish()
    attachments.finish()
    menus.note(report)
    leftovers.note(report)


def _hold_other_writers_off() -> None:
    """Nobody takes a number or an address that was found free. On SQLite the transaction does that by itself."""
    if connection.vendor == "postgresql":
        names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in _TABLES)
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


def _reset_sequences() -> None:
    """Make the database give the number after the highest next: rows come with keys of their own."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(_TABLES)):
            cursor.execute(statement)
