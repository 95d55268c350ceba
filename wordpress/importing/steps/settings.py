"""The title and tagline of the blog, which an unused site takes over."""

from typing import Final

from blog.models import Entry
from core.bulk import max_pk
from core.models import SiteSettings
from wordpress.importing.analysis import Analysis
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.limits import max_length

_FIELDS: Final = ("title", "tagline")


def exported_settings(analysis: Analysis) -> dict[str, str]:
    """Return the non-empty site settings in the export, by field name."""
    values = {name: getattr(analysis, name)[: max_length(SiteSettings, name)].strip() for name in _FIELDS}
    return {name: value for name, value in values.items() if value}


def take_settings(context: ImportContext, *, always: bool) -> None:
    """Take over the title and tagline if this site is unused, or in any case with `always`.

    A site is unused if it has the default title and no posts or pages. A tagline that was entered here is kept.
    """
    if exported := exported_settings(context.analysis):
        write_batch(context, _take, context, exported, always)


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
