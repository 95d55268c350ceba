"""What the privacy page says about searching."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from core.models import SiteSettings
from core.privacy import Concerned, KeptData


def kept_of_searches(site: SiteSettings) -> Iterator[KeptData]:
    """Describe what searching leaves behind."""
    yield KeptData(
        Concerned.READERS,
        _("What you search for"),
        _("Not kept, and not logged."),
        _("The search runs on this site alone."),
    )
