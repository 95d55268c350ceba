"""Importing WordPress exports. Importing an export twice has the same result as importing it once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType

from blog.rendering.moved_files import resolve_files, resolve_no_files
from core.database import commits_without_sync
from wordpress.importing.analysis import Analysis, Progress, analyse, reason_to_skip, total_size
from wordpress.importing.context import ImportContext
from wordpress.importing.database import only_import, throwaway_database, tune_for_bulk
from wordpress.importing.entry_builder import text_of
from wordpress.importing.ledger import begin_run, finish_run, forget_if_empty
from wordpress.importing.media_source import MediaDownload, MediaSource, hosts_of
from wordpress.importing.page_types import check_page_types, page_types_here
from wordpress.importing.render_pool import RenderPool
from wordpress.importing.report import Report
from wordpress.importing.site_identity import identify_site
from wordpress.importing.spool import Spool, open_spool
from wordpress.importing.steps.attachments import import_attachments
from wordpress.importing.steps.authors import check_authors, import_authors, users_named
from wordpress.importing.steps.categories import import_categories
from wordpress.importing.steps.files import import_files
from wordpress.importing.steps.menus import import_menus
from wordpress.importing.steps.old_blog import describe_blog, redirect_folders, take_settings
from wordpress.importing.steps.pages import import_pages
from wordpress.importing.steps.posts import import_posts
from wordpress.importing.steps.redirect_rules import import_redirect_rules
from wordpress.importing.steps.references import (
    count_other_hosts,
    import_references,
    redirect_attachment_pages,
    report_references,
)
from wordpress.importing.steps.skipped import skip_other_terms, skip_others
from wordpress.importing.steps.tags import import_tags
from wordpress.importing.steps.text_parts import import_reusable_blocks, import_tables
from wordpress.importing.steps.translations import link_translations
from wordpress.models import Attachment, ImportedItem, ImportJob
from wordpress.wxr.records import Item


def import_export(
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    media: MediaSource | None = None,
    fetch_media: bool = False,
    fetch_everywhere: bool = False,
    confirm_hosts: Callable[[Mapping[str, int]], bool] = lambda hosts: True,
    map_authors: Mapping[str, str] = MappingProxyType({}),
    page_types: Collection[str] = (),
    take_title: bool = False,
    progress: Progress = lambda stage, done, total: None,
    job: ImportJob | None = None,
) -> Report:
    """Import exports: first the texts in short transactions, then the media files one by one.

    Files come from `media`, or with `fetch_media` from the old site. With `fetch_everywhere` as well, files that texts
    show from other hosts are downloaded too if `confirm_hosts`, which is given the numbers of files by host, agrees.
    `map_authors` maps authors' logins in the export to usernames here. Items of the custom types in `page_types`, and
    of those that an earlier import turned into pages, become pages. With `take_title`, this site gets the blog's title
    and tagline even if it has content or a title of its own. With `dry_run`, nothing is changed and files are ignored.
    The run is assigned to `job`.

    Objects that an earlier import stored are updated if they have changed in the export but not here. If an import is
    interrupted or killed, the next import of the site resumes it.

    Raises AlreadyRunningError; InvalidExportError, before anything is changed, if a file is not a complete and harmless
    export, `map_authors` names someone who does not exist, or `page_types` a type that the export does not have; and
    KeyboardInterrupt if nothing has been stored yet.
    """
    users = users_named(map_authors)
    check_page_types(page_types)
    resolve = resolve_files if Attachment.objects.with_file().exists() else resolve_no_files
    with (
        nullcontext() if dry_run else only_import(),
        open_spool() as spool,
        RenderPool(spool, total_size(paths), resolve, ahead=not ImportedItem.objects.exists()) as renderer,
    ):
        analysis = _read(paths, spool, renderer, progress, {*page_types, *page_types_here()})
        check_authors(analysis, users)
        check_page_types(page_types, analysis)
        report = Report([str(path) for path in paths], dry_run)
        with throwaway_database() if dry_run else nullcontext():
            tune_for_bulk(writes=True)
            site = identify_site(analysis, spool)
            run = begin_run(site, None if dry_run else job)
            context = ImportContext(analysis, spool, renderer, report, run, users, progress)
            context.new_ids.reserve()
            analysis.restrictions.add_stored(site, analysis.terms)
            try:
                # Cancelling at this point leaves no trace.
                context.report_progress("importing", 0, context.item_count)
                take_settings(context, always=take_title)
                # The next import stores again what a power cut undoes. Files are imported outside this block, because
                # a power cut would leave them without their rows.
                with commits_without_sync():
                    _import_texts(context)
                if not dry_run:
                    if fetch_media:
                        hosts = count_other_hosts(site) if fetch_everywhere else {}
                        everywhere = bool(hosts) and confirm_hosts(hosts)
                        media = MediaDownload(hosts_of(analysis, site), everywhere=everywhere)
                    import_files(context, media)
                    context.unsupported.note_empty()
                shown_by = report_references(context)
                if not dry_run:
                    redirect_attachment_pages(context, shown_by)
                report.blog = describe_blog(context)
                finish_run(run)
            except KeyboardInterrupt:
                if dry_run or not report.has_changes:
                    forget_if_empty(run)
                    raise
                report.interrupted = True
                if not report.file_references:
                    report_references(context)
            report.warnings = [*analysis.all_warnings(), *report.warnings]
            report.run = run.pk if not dry_run and (run.taken_settings or run.items.exists()) else None
    return report


def _read(
    paths: Sequence[Path], spool: Spool, renderer: RenderPool, progress: Progress, page_types: Collection[str]
) -> Analysis:
    """Read the export into the spool, while texts are rendered ahead."""

    def on_item(item: Item) -> None:
        spool.add(item)
        if item.content and not reason_to_skip(item):
            renderer.expect(text_of(item))

    analysis = analyse(paths, progress, on_item, page_types)
    spool.end()
    renderer.stop_expecting()
    return analysis


def _import_texts(context: ImportContext) -> None:
    """Import everything except files, in an order in which each step finds the objects that it refers to."""
    redirect_folders(context)
    import_authors(context)
    if context.analysis.terms.has_missing_slugs:
        context.analysis.terms.recognise(context.ledger.stored_terms())
    context.term_ids.slugs = context.analysis.terms.slugs_of_names()
    import_categories(context)
    import_tags(context)
    skip_other_terms(context)
    import_reusable_blocks(context)
    import_tables(context)
    import_pages(context)
    import_posts(context)
    link_translations(context)
    import_attachments(context)
    import_references(context)
    skip_others(context)
    import_redirect_rules(context)
    import_menus(context)
    context.unsupported.add_notes(context.analysis.other_meta)
