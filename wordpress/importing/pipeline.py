"""Importing WordPress exports. Importing twice is the same as importing once."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType

from accounts.models import User
from blog.rendering import RenderInput
from blog.rendering.moved_files import resolve_files, resolve_no_files
from wordpress.importing.analysis import Analysis, Progress, analyse, reason_to_skip, total_size
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import markup_of
from wordpress.importing.exclusive import only_import
from wordpress.importing.ids import NewIds
from wordpress.importing.ledger import Ledger
from wordpress.importing.media_download import MediaDownload, hosts_of
from wordpress.importing.media_source import MediaSource
from wordpress.importing.preview import throwaway_database
from wordpress.importing.render_pool import RenderPool
from wordpress.importing.report import Report
from wordpress.importing.runs import begin_run, finish_run, forget_if_empty, has_added_anything
from wordpress.importing.site_identity import identify_site
from wordpress.importing.spool import Spool, open_spool
from wordpress.importing.sqlite import disable_mmap
from wordpress.importing.steps.attachments import import_attachments
from wordpress.importing.steps.authors import check_authors, import_authors, users_named
from wordpress.importing.steps.categories import import_categories
from wordpress.importing.steps.files import import_files
from wordpress.importing.steps.footnotes_and_blocks import import_reusable_blocks
from wordpress.importing.steps.menus import report_menus
from wordpress.importing.steps.pages import import_pages
from wordpress.importing.steps.posts import import_posts
from wordpress.importing.steps.skipped import report_skipped
from wordpress.importing.steps.tags import import_tags
from wordpress.importing.steps.terms import index_terms, report_other_terms
from wordpress.importing.unsupported import Unsupported
from wordpress.models import Attachment, ImportedItem, ImportJob
from wordpress.wxr.records import Item


def import_export(
    paths: Iterable[Path],
    *,
    dry_run: bool = False,
    media: MediaSource | None = None,
    fetch_media: bool = False,
    map_authors: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
    job: ImportJob | None = None,
) -> Report:
    """Import what is in `paths` and not here yet: first the texts in short transactions, then the files one by one.

    Files come from `media`, or with `fetch_media` from the site that the export names. `map_authors` has the user names
    of those who are authors of the export, by their login there.

    What an earlier import stored is updated if it has changed in the export and not here. If this is interrupted or
    killed, the next import of the site continues it. With `dry_run` the report says what would happen, nothing is
    changed, and no file is looked for. The run is recorded as one of `job`.

    Raises InvalidExportError, and has then changed nothing, if a file is not a complete and harmless export, or if
    `map_authors` names someone who does not exist; AlreadyRunningError; and KeyboardInterrupt while nothing is stored.
    """
    paths = list(paths)
    users = users_named(map_authors)
    resolve = resolve_files if Attachment.objects.with_file().exists() else resolve_no_files
    with (
        nullcontext() if dry_run else only_import(),
        open_spool() as spool,
        RenderPool(spool.file, total_size(paths), resolve, ahead=not ImportedItem.objects.exists()) as renderer,
    ):
        analysis = _read(paths, spool, renderer, progress)
        check_authors(analysis, users)
        report = Report([str(path) for path in paths], dry_run, warnings=analysis.warnings)
        with throwaway_database() if dry_run else nullcontext():
            context = _begin(analysis, spool, renderer, report, users, progress, None if dry_run else job)
            try:
                # Here whoever watches can still cancel it without a trace.
                context.report_progress("importing", 0, analysis.total_items)
                _import_texts(context)
                if not dry_run:
                    _import_files(context, media, fetch_media=fetch_media)
                finish_run(context.run)
            except KeyboardInterrupt:
                if dry_run or not report.has_changes:
                    forget_if_empty(context.run)
                    raise
                report.interrupted = True
            report.run = context.run.pk if not dry_run and has_added_anything(context.run) else None
    return report


def _read(paths: list[Path], spool: Spool, renderer: RenderPool, progress: Progress | None) -> Analysis:
    """Read the export into the spool. Texts are rendered ahead meanwhile."""

    def keep(item: Item) -> None:
        spool.add(item)
        if item.content and not reason_to_skip(item):
            renderer.expect(RenderInput(item.content, markup_of(item)))

    analysis = analyse(paths, progress, keep)
    spool.flush()
    renderer.stop_expecting()
    return analysis


def _begin(
    analysis: Analysis,
    spool: Spool,
    renderer: RenderPool,
    report: Report,
    users: Mapping[str, User],
    progress: Progress | None,
    job: ImportJob | None,
) -> ImportContext:
    disable_mmap()
    site = identify_site(analysis, spool)
    run = begin_run(site, job)
    new_ids = NewIds(analysis)
    new_ids.reserve()
    return ImportContext(analysis, spool, renderer, report, site, run, Ledger(site, run), new_ids, users, progress)


def _import_texts(context: ImportContext) -> None:
    """Import everything but files, in an order in which each step finds what it refers to."""
    unsupported = Unsupported()
    import_authors(context)
    index_terms(context)
    import_categories(context)
    import_tags(context)
    report_other_terms(context)
    import_reusable_blocks(context)
    import_pages(context, unsupported)
    import_posts(context, unsupported)
    import_attachments(context)
    report_skipped(context)
    report_menus(context)
    unsupported.report(context)


def _import_files(context: ImportContext, media: MediaSource | None, *, fetch_media: bool) -> None:
    source = MediaDownload(hosts_of(context.analysis, context.site)) if fetch_media else media
    import_files(context, source)
