"""Parts of responses that the views of comments share."""

from django.utils.translation import gettext

from blog.models import Entry


def back_to(entry: Entry) -> tuple[str, str]:
    """Return the URL of a link to `entry` and its text. They are empty if readers can no longer see it."""
    if not entry.is_public:
        return "", ""
    return entry.get_absolute_url(), gettext("Back to %(title)s") % {"title": entry}
