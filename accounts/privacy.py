"""What the privacy page says about people with an account."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import RolePolicy
from core.models import SiteSettings
from core.privacy import Concerned, KeptData


def kept_of_staff(site: SiteSettings) -> Iterator[KeptData]:
    """Describe what is kept about people with an account."""
    # The longest that owners can allow.
    session_days = RolePolicy.MAX_HOURS // 24
    yield KeptData(
        Concerned.STAFF,
        _("Your name, e-mail address and role, a hash of your password, your passkeys and secrets for codes"),
        _("Until an owner erases the account."),
        _(
            "So that you can log in, and so that texts have an author. Readers see the name under which you write, and "
            "nothing else."
        ),
    )
    yield KeptData(
        Concerned.STAFF,
        _("Your portrait, if one was chosen: small, and without its metadata"),
        _("Until you or an owner removes it, or an owner erases the account."),
        _("So that readers see who writes. It is shown only with the name for which it was chosen."),
    )
    yield KeptData(
        Concerned.STAFF,
        _("In which browsers you are logged in, since when, and when they were last used, but not from where"),
        ngettext(
            "Until you log out there, but for at most %d day.",
            "Until you log out there, but for at most %d days.",
            session_days,
        )
        % session_days,
        _("So that you can see and end them under “Your account”."),
    )
    yield KeptData(
        Concerned.STAFF,
        _("What you entered in a form that you sent after you had been logged out"),
        _("Until you log in and return to the form, or for a day at most."),
        _("So that it isn't lost."),
    )
    yield KeptData(
        Concerned.STAFF,
        _(
            "Wrong passwords and codes: as codes that are made from the name and the IP address, but not the name or "
            "the address itself"
        ),
        _("Ten minutes; for one-time codes, a day."),
        _("To prevent guessing."),
    )
    kept, counts_kept = settings.BROADSIDE_AUDIT_KEEP_DAYS, settings.BROADSIDE_AUDIT_KEEP_FAILED_DAYS
    yield KeptData(
        Concerned.STAFF,
        _("What you did, when and in which role, and how often someone failed to log in as you, but not from where"),
        _("%(days)d days; failed attempts, %(failed)d days.") % {"days": kept, "failed": counts_kept},
        _("So that owners, and you yourself, can see what happened with an account."),
    )
