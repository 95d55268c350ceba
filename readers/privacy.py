"""What the privacy page says about counting readers."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import SiteSettings
from core.privacy import Concerned, KeptData
from readers.models import ReaderSettings


def counts_readers(site: SiteSettings) -> bool:
    return ReaderSettings.of(site).count_readers


def kept_of_readings(site: SiteSettings) -> Iterator[KeptData]:
    """Describe what is counted."""
    if not counts_readers(site):
        return
    months = ReaderSettings.of(site).keep_months
    yield KeptData(
        Concerned.READERS,
        _(
            "How often each page was read each day, and how often readers came from which other sites, but not who "
            "they were"
        ),
        ngettext(
            "Daily figures for %(n)d month, then only monthly totals.",
            "Daily figures for %(n)d months, then only monthly totals.",
            months,
        )
        % {"n": months},
        _(
            "So that we know what is read. Only numbers are stored: no IP addresses, no browsers, no times, and "
            "nothing that connects one page with another. Small numbers are never shown."
        ),
    )
