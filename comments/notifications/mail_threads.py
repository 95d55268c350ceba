"""How mail programs group our e-mails."""

from blog.models import Entry

LIST_NAME = "comments"


def thread_id(entry: Entry) -> str:
    """Return what e-mails about `entry` have in common."""
    return f"{entry._meta.model_name}-{entry.pk}"
