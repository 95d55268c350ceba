"""The closed list of actions that the audit log records."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Action(TextChoices):
    """What was done. The label follows the name of the person who did it."""

    # Logging in
    LOGGED_IN = "logged_in", _("Logged in")
    LOGIN_FAILED = "login_failed", _("Failed login attempts")
    LOGGED_OUT = "logged_out", pgettext_lazy("in the audit log", "Logged out")
    SESSIONS_ENDED = "sessions_ended", _("Logged out other browsers")
    PASSWORD_CHANGED = "password_changed", _("Chose a password")
    PASSWORD_FORGOTTEN = "password_forgotten", _("Requested a password reset link")
    PASSWORD_LINK_MADE = "password_link_made", _("Created a link to set a password")
    FACTOR_ADDED = "factor_added", _("Added a login method")
    FACTOR_REMOVED = "factor_removed", _("Removed a login method")
    PASSKEY_SUSPECTED = "passkey_suspected", _("Used a passkey that may have been copied")
    RECOVERY_CODES_MADE = "recovery_codes_made", _("Created recovery codes")
    EMERGENCY_LINK_MADE = "emergency_link_made", _("Created an emergency link")
    # Accounts
    INVITED = "invited", pgettext_lazy("in the audit log", "Invited")
    ROLE_CHANGED = "role_changed", _("Changed the role")
    LOCKED = "locked", _("Locked with the emergency link")
    DEACTIVATED = "deactivated", pgettext_lazy("in the audit log", "Deactivated")
    REACTIVATED = "reactivated", _("Reactivated")
    RESCUED = "rescued", _("Recovered on the server")
    # Work under someone's name
    GAVE_AWAY = "gave_away", _("Reassigned posts and pages to someone else")
    RECEIVED = "received", _("Assigned posts and pages of someone else")
    # Objects
    ADDED = "added", _("Added")
    CHANGED = "changed", _("Changed")
    RENAMED = "renamed", pgettext_lazy("in the audit log", "Renamed")
    MERGED = "merged", pgettext_lazy("in the audit log", "Merged")
    SCHEDULED = "scheduled", pgettext_lazy("in the audit log", "Scheduled")
    PUBLISHED = "published", pgettext_lazy("in the audit log", "Published")
    PUBLISHED_PRIVATELY = "published_privately", pgettext_lazy("in the audit log", "Published privately")
    UNPUBLISHED = "unpublished", _("Unpublished")
    TRASHED = "trashed", pgettext_lazy("in the audit log", "Moved to the trash")
    RESTORED = "restored", _("Restored")
    DELETED = "deleted", pgettext_lazy("in the audit log", "Deleted")
    UNDONE = "undone", _("Undid a change")
    # Data as a whole
    IMPORTED = "imported", pgettext_lazy("in the audit log", "Imported")
    EXPORTED = "exported", _("Exported")
    DOWNLOADED = "downloaded", _("Downloaded")
    DISCLOSED = "disclosed", _("Exported personal data")
    ERASED = "erased", _("Erased")
    # Recorded without the name.
    WITHDRAWN = "withdrawn", _("Withdrew a name")
    BACKUP_RESTORED = "backup_restored", _("Restored a backup")


# Strangers can cause these as often as they like, so they are only counted, and kept for a shorter time.
COUNTED: Final = (Action.LOGIN_FAILED, Action.PASSWORD_FORGOTTEN)
