"""Importing WordPress exports. Importing an export twice has the same result as importing it once."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType

from blog.rendering import RenderInput
from blog.rendering.moved_files import resolve_files, resolve_no_files
from wordpress.importing.analysis import Analysis, Progress, all_terms, analyse, reason_to_skip, total_size
from wordpress.importing.context import ImportContext
from wordpress.importing.database import disable_mmap, only_import, throwaway_database
from wordpress.importing.entry_builder import markup_of
from wordpress.importing.ids import NewIds
from wordpress.importing.ledger import Ledger, begin_run, finish_run, forget_if_empty
from wordpress.importing.media_source import MediaDownload, MediaSource, hosts_of
from wordpress.importing.render_pool import RenderPool
from wordpress.importing.report import Report
from wordpress.importing.site_identity import identify_site
from wordpress.importing.spool import Spool, open_spool
from wordpress.importing.steps.attachments import import_attachments
from wordpress.importing.steps.authors import check_authors, import_authors, users_named
from wordpress.importing.steps.categories import import_categories
from wordpress.importing.steps.files import import_files
from wordpress.importing.steps.footnotes_and_blocks import import_reusable_blocks
from wordpress.importing.steps.pages import import_pages
from wordpress.importing.steps.posts import import_posts
from wordpress.importing.steps.skipped import report_menus, report_other_terms, report_skipped
from wordpress.importing.steps.tags import import_tags
from wordpress.importing.unsupported import Unsupported
from wordpress.models import Attachment, ImportedItem, ImportJob
from wordpress.wxr.records import Item


def import_export(
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    media: MediaSource | None = None,
    fetch_media: bool = False,
    map_authors: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
    job: ImportJob | None = None,
) -> Report:
    """Import exports: first the texts in short transactions, then the media files one by one.

    Files come from `media`, or with `fetch_media` from the old site. `map_authors` maps logins of authors in the export
    to user names here. With `dry_run` nothing is changed and no file is looked for. The run becomes one of `job`.

    Objects that an earlier import stored are updated if they have changed in the export but not here. If an import is
    interrupted or killed, the next import of the site continues it.

    Raises AlreadyRunningError; InvalidExportError, before anything is changed, if a file is not a complete and harmless
    export or `map_authors` names someone who does not exist; and KeyboardInterrupt if nothing has been stored yet.
    """
    users = users_named(map_authors)
    resolve = resolve_files if Attachment.objects.with_file().exists() else resolve_no_files
    with (
        nullcontext() if dry_run else only_import(),
        open_spool() as spool,
        RenderPool(spool, total_size(paths), resolve, ahead=not ImportedItem.objects.exists()) as renderer,
    ):
        analysis = _read(paths, spool, renderer, progress)
        check_authors(analysis, users)
        report = Report([str(path) for path in paths], dry_run, warnings=analysis.warnings)
        with throwaway_database() if dry_run else nullcontext():
            disable_mmap()
            site = identify_site(analysis, spool)
            run = begin_run(site, None if dry_run else job)
            new_ids = NewIds(analysis)
            new_ids.reserve()
            ledger = Ledger(site, run)
            context = ImportContext(analysis, spool, renderer, report, site, run, ledger, new_ids, users, progress)
            try:
                # Cancelling at this point leaves no trace.
                context.report_progress("importing", 0, analysis.items.total())
                unsupported = _import_texts(context)
                if not dry_run:
                    import_files(context, MediaDownload(hosts_of(analysis, site)) if fetch_media else media)
                    unsupported.report_empty(context)
                finish_run(run)
            except KeyboardInterrupt:
                if dry_run or not report.has_changes:
                    forget_if_empty(run)
                    raise
                report.interrupted = True
            report.run = run.pk if not dry_run and run.items.exists() else None
    return report


def _read(paths: Sequence[Path], spool: Spool, renderer: RenderPool, progress: Progress | None) -> Analysis:
    """Read the export into the spool. Meanwhile texts are rendered ahead."""

    def on_item(item: Item) -> None:
        spool.add(item)
        if item.content and not reason_to_skip(item):
            renderer.expect(RenderInput(item.content, markup_of(item)))

    analysis = analyse(paths, progress, on_item)
    renderer.stop_expecting()
    return analysis


def _import_texts(context: ImportContext) -> Unsupported:
    """Import everything except files, in an order in which each step finds the objects it refers to.

    Return what was found that is not imported.
    """
    unsupported = Unsupported()
    import_authors(context)
    # Some items give only the names of their terms.
    for term in all_terms(context.analysis):
        context.term_ids.slugs.setdefault((term.taxonomy, term.name), term.slug)
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
    return unsupported
