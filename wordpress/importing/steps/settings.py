"""The title and tagline of the blog, which an empty site takes over."""

from functools import partial
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
    """Return the site settings in the export, by the name of their field, as far as they are not empty."""
    values = {name: getattr(analysis, name)[: max_length(SiteSettings, name)].strip() for name in _FIELDS}
    return {name: value for name, value in values.items() if value}


def take_settings(context: ImportContext, *, always: bool) -> None:
    """Take over the title and tagline if nobody has begun to use this site, or in any case with `always`.

    Nobody has if there are no posts or pages, and the title is the default. A tagline that someone has entered stays.
    """
    if exported := exported_settings(context.analysis):
        write_batch(context, partial(_take, context, exported, always=always))


def _take(context: ImportContext, exported: dict[str, str], *, always: bool) -> None:
    site, default = SiteSettings.current(), SiteSettings()
    is_empty = site.title == default.title and not max_pk(Entry)
    before = {
        name: getattr(site, name)
        for name, value in exported.items()
        if getattr(site, name) != value and (always or (is_empty and getattr(site, name) == getattr(default, name)))
    }
    taken = {name: exported[name] for name in before}
    # Someone may be changing them at this moment.
    if not before or not SiteSettings.objects.filter(pk=1, **before).update(**taken):
        taken = {}
    context.report.taken_settings = taken
    if taken:
        run = context.run
        # The first import of a run, if it was interrupted, knows what they were before.
        first = {name: values[0] for name, values in run.taken_settings.items()}
        run.taken_settings |= {name: [first.get(name, before[name]), value] for name, value in taken.items()}
        run.save(update_fields=["taken_settings"])
