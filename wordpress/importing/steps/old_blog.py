"""The blog as a whole: its title and tagline, the folders that it was in, and what the export says about it."""

from collections import Counter
from itertools import islice
from typing import Final

from django.db.models import Count, Q

from blog.models import Entry, Post
from blog.models.redirect import add_folder, folder_path, is_folder_path, normalise_path
from core.bulk import max_pk
from core.models import SiteSettings
from wordpress.importing.analysis import Analysis
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.limits import max_length
from wordpress.importing.redirects import folder_of
from wordpress.importing.report import MENUS, OldBlog
from wordpress.models import Attachment

# The site settings that are taken over.
_FIELDS: Final = ("title", "tagline")
# No real blog has been in more folders.
_MAX_FOLDERS: Final = 50
# How many of the newest posts are checked for the language that authors write in now.
_NEWEST: Final = 200
_MAX_MENUS: Final = 20


def take_settings(context: ImportContext, *, always: bool) -> None:
    """Take over the title and tagline if this site is unused, or in any case with `always`.

    A site is unused if it has the default title and no posts or pages. A tagline that was entered here is kept.
    """
    if exported := _exported_settings(context.analysis):
        write_batch(context, _take, context, exported, always)


def redirect_folders(context: ImportContext) -> None:
    """Redirect every URL in the folders that the blog was in to the same URL here without the folder.

    These are the folder of a blog that was not at the root of its host, and earlier ones that the export lists.
    """
    listed = [url for url in context.analysis.legacy_urls if is_folder_path(normalise_path(url))]
    folders = {*map(folder_path, listed[:_MAX_FOLDERS])}
    if folder := folder_of(context.analysis.base_url):
        folders.add(folder_path(folder))
    if folders:
        write_batch(context, _redirect_folders, context, sorted(folders))


def describe_blog(context: ImportContext) -> OldBlog:
    """Return the facts about the blog that the export and this import give. Call this at the end of the import."""
    analysis = context.analysis
    exported = _exported_settings(analysis)
    menus = (note.title for note in context.report.notes if note.kind == MENUS)
    files = Attachment.objects.filter(site=context.site).aggregate(
        files=Count("pk"),
        missing_files=Count("pk", filter=Q(picture=None, document=None)),
        gone_files=Count("pk", filter=Q(picture=None, document=None, gone_at__isnull=False)),
    )
    return OldBlog(
        site=context.site,
        url=analysis.base_url,
        title=exported.get("title", ""),
        tagline=exported.get("tagline", ""),
        language=analysis.language[:50],
        text_language=_text_language(),
        times=analysis.times.to_json(),
        zone=analysis.times.find_zone(),
        hosts=sorted(analysis.own_hosts),
        folder=folder_of(analysis.base_url),
        menus=list(islice(menus, _MAX_MENUS)),
        **files,
    )


def _exported_settings(analysis: Analysis) -> dict[str, str]:
    """Return the non-empty site settings in the export, by field name."""
    values = {name: getattr(analysis, name)[: max_length(SiteSettings, name)].strip() for name in _FIELDS}
    return {name: value for name, value in values.items() if value}


def _take(context: ImportContext, exported: dict[str, str], always: bool) -> None:
    site, default = SiteSettings.current(), SiteSettings()
    is_empty = site.title == default.title and not max_pk(Entry)
    before = {
        name: getattr(site, name)
        for name, value in exported.items()
        if getattr(site, name) != value and (always or (is_empty and getattr(site, name) == getattr(default, name)))
    }
    taken = {name: exported[name] for name in before}
    # Updated only if nothing has changed them since they were read.
    if not before or not SiteSettings.objects.filter(pk=1, **before).update(**taken):
        taken = {}
    context.report.taken_settings = taken
    if taken:
        run = context.run
        # If the run was interrupted before, its first import recorded the original values.
        first = {name: values[0] for name, values in run.taken_settings.items()}
        run.taken_settings |= {name: [first.get(name, before[name]), value] for name, value in taken.items()}
        run.save(update_fields=["taken_settings"])


def _redirect_folders(context: ImportContext, paths: list[str]) -> None:
    context.ledger.add_redirects([path for path in paths if add_folder(path)])


def _text_language() -> str:
    """Return the language of most of the newest posts whose language is known; an empty string if there is none."""
    newest = Post.objects.published().newest_first().values_list("language", flat=True)[:_NEWEST]
    counts = Counter(language for language in newest if language)
    language, count = counts.most_common(1)[0] if counts else ("", 0)
    return language if count * 2 > counts.total() else ""
