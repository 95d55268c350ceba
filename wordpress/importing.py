"""Moving in: WordPress exports into this site. All of it or nothing, and twice is as once."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from django.core.management.color import no_style
from django.db import connection, models, transaction

from accounts.models import User
from blog.models import Category, Page, Post
from blog.site import content_changed
from comments.models import Comment
from tags.models import Tag, TagAlias, TaggedPost
from wordpress.authors import Authors, demand_authors, people_named
from wordpress.comments import Comments
from wordpress.entries import Entries
from wordpress.memory import Memory
from wordpress.models import ImportedItem
from wordpress.reader import Export
from wordpress.records import Item
from wordpress.reports import Report
from wordpress.survey import Progress, Survey, take_survey
from wordpress.terms import Terms

_TABLES: tuple[type[models.Model], ...] = (
    User,
    Category,
    Tag,
    TagAlias,
    Post,
    Page,
    TaggedPost,
    Comment,
    ImportedItem,
)


def import_export(
    paths: Iterable[Path],
    *,
    dry_run: bool = False,
    map_authors: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
) -> Report:
    """Bring in what `paths` hold and is not here yet, in one transaction.

    What an earlier import brought in is updated if it changed there and not here; all else stays as it is.
    `map_authors` names authors of the export who are somebody here: user names by the login there.
    With `dry_run` everything is done and taken back, so the report says what would happen.
    Raises ExportRefused, and has then changed nothing, if a file is not a whole and harmless export, or
    `map_authors` names somebody who is not there or not here.
    """
    mapped = people_named(map_authors)
    survey = take_survey(paths, progress)
    demand_authors(survey, mapped)
    report = Report([str(path) for path in survey.paths], dry_run, warnings=survey.warnings)
    with transaction.atomic():
        _hold_other_writers_off()
        # An import that was taken back may have used up numbers; this one shall be as if it had never been.
        _reset_sequences()
        authors = Authors(report, mapped)
        authors.bring_in(survey)
        terms = Terms(survey, report)
        memory = Memory(survey.base_url)
        comments = Comments(survey, authors, memory, report)
        entries = Entries(survey, authors, terms, comments, memory, report)
        _bring_in_items(survey, entries, progress)
        if report.has_changes:
            _reset_sequences()
            content_changed()
        if dry_run:
            transaction.set_rollback(True)
    return report


def _bring_in_items(survey: Survey, entries: Entries, progress: Progress | None) -> None:
    done = 0
    for path in survey.paths:
        for record in Export(path).records():
            if isinstance(record, Item):
                entries.take(record)
                done += 1
                if progress:
                    progress("importing", done, survey.total_items)
    entries.finish()


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
