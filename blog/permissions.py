"""Who may do what with posts and pages. Every view and every action asks here.

Posts: with "Can edit posts of others, and published ones" a person has all that their other permissions
name. Without it they see their own posts only, and change them only while no reader has seen them.
Pages have no such step: whoever may change pages may publish them.
"""

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from blog.models import Entry, Post, Status

type Anyone = User | AnonymousUser

# What an author may still change: no reader has seen it, no editor has decided about it.
UNDECIDED = (Status.DRAFT, Status.PENDING)


def _may(user: Anyone, action: str, model: str) -> bool:
    return isinstance(user, User) and user.is_staff and user.has_perm(f"blog.{action}_{model}")


def _kind(entry: Entry) -> str:
    return str(entry._meta.model_name)


def edits_others(user: Anyone) -> bool:
    """Whether `user` works on everybody's posts, not on their own only."""
    return _may(user, "edit_others", "post")


def may_publish(user: Anyone, model: type[Entry] = Post) -> bool:
    """Whether `user` decides what readers see: publishes, schedules, makes private."""
    return _may(user, "publish", "post") if model is Post else _may(user, "change", "page")


def may_view(user: Anyone, entry: Entry) -> bool:
    """Whether `user` sees it in the admin, and its preview on the site."""
    if not (_may(user, "view", _kind(entry)) or _may(user, "change", _kind(entry))):
        return False
    return not isinstance(entry, Post) or edits_others(user) or entry.author_id == user.pk


def may_edit(user: Anyone, entry: Entry) -> bool:
    """Whether `user` may change it as it stands now."""
    if not _may(user, "change", _kind(entry)):
        return False
    if not isinstance(entry, Post) or edits_others(user):
        return True
    return entry.author_id == user.pk and entry.status in UNDECIDED


def may_restore(user: Anyone, entry: Entry) -> bool:
    """Whether `user` may take it out of the trash: whoever could have put it there."""
    if not _may(user, "change", _kind(entry)):
        return False
    return not isinstance(entry, Post) or edits_others(user) or entry.author_id == user.pk


def may_delete(user: Anyone, entry: Entry) -> bool:
    """Whether `user` may delete it for good: editors anything, others what is theirs and in the trash."""
    if not _may(user, "delete", _kind(entry)):
        return False
    if not isinstance(entry, Post) or edits_others(user):
        return True
    return entry.author_id == user.pk and entry.status == Status.TRASH
