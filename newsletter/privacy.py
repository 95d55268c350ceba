"""What the privacy page says about people who follow the blog by e-mail."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import SiteSettings
from core.privacy import Concerned, KeptData
from newsletter.models import NewsletterSettings
from newsletter.models.subscriptions import CONFIRM_WITHIN


def kept_of_subscribers(site: SiteSettings) -> Iterator[KeptData]:
    """Describe what is kept about subscribers, if there can be any."""
    if not NewsletterSettings.of(site).is_available:
        return
    yield KeptData(
        Concerned.SUBSCRIBERS,
        _("Your e-mail address, which posts you follow and how often, and which e-mails you were sent in 90 days"),
        ngettext(
            "Until you unsubscribe. If you don't confirm the address, it is deleted after %d day.",
            "Until you unsubscribe. If you don't confirm the address, it is deleted after %d days.",
            CONFIRM_WITHIN.days,
        )
        % CONFIRM_WITHIN.days,
        _(
            "To send you new posts. Whether you open an e-mail or follow a link in it is not recorded. Each e-mail has "
            "a link to unsubscribe."
        ),
    )
