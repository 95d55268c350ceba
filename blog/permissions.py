"""Permissions for posts and pages. Every view and every action checks them here.

With the permission `edit_others_post`, a user's other permissions apply to all posts. Without it, users can change only
their own posts, and only until these are published. They see only their own posts, or all if they have
`view_others_post`. Entries in the trash are visible to users who can change them. There is no such distinction for
pages: users who can change pages can also publish them.
"""

from typing import Any, TypeGuard

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.models import User
from blog.models import Entry, Post, ReviewNote, Status

type Anyone = User | AnonymousUser

# The statuses in which authors may still change a post: no reader has seen it, and no editor has decided about it.
UNDECIDED = (Status.DRAFT, Status.PENDING)


def _may(user: Anyone, action: str, model: str) -> bool:
    return isinstance(user, User) and user.is_staff and user.has_perm(f"blog.{action}_{model}")


def _may_with(user: Anyone, action: str, entry: Entry, *, own: bool = True) -> bool:
    """Return whether `user` may do this with the entry. `own` is whether authors may do it with their own posts."""
    if not _may(user, action, str(entry._meta.model_name)):
        return False
    return not isinstance(entry, Post) or edits_others(user) or (own and entry.author_id == user.pk)


def may_write(user: Anyone) -> TypeGuard[User]:
    """Return whether `user` may write posts or pages, and therefore use the editor."""
    return any(_may(user, action, model) for action in ("add", "change") for model in ("post", "page"))


def edits_others(user: Anyone) -> bool:
    """Return whether `user` may edit everyone's posts and not only their own."""
    return _may(user, "edit_others", "post")


def sees_others(user: Anyone) -> bool:
    """Return whether `user` may see everyone's posts and not only their own."""
    return edits_others(user) or (_may(user, "view", "post") and _may(user, "view_others", "post"))


def may_publish(user: Anyone, model: type[Entry] = Post) -> bool:
    """Return whether `user` may decide what readers see: publish, schedule, make private."""
    return _may(user, "publish", "post") if model is Post else _may(user, "change", "page")


def may_view(user: Anyone, entry: Entry) -> bool:
    """Return whether `user` may see the entry in the admin, and its preview on the site."""
    if _may_with(user, "change", entry):
        return True
    is_seen = _may_with(user, "view", entry) or (isinstance(entry, Post) and sees_others(user))
    return is_seen and entry.status != Status.TRASH


def seen_by(user: Anyone, entries: QuerySet[Any]) -> QuerySet[Any]:
    """Return those of `entries`, all posts or all pages, that `user` may view, provided that they may view any."""
    outside_trash = ~Q(status=Status.TRASH)
    if entries.model is not Post:
        return entries if _may(user, "change", "page") else entries.filter(outside_trash)
    if edits_others(user):
        return entries
    own = Q(author=user.pk)
    return entries.filter(own | outside_trash if sees_others(user) else own)


def may_edit(user: Anyone, entry: Entry) -> bool:
    """Return whether `user` may change the entry in its current status."""
    return _may_with(user, "change", entry, own=entry.status in UNDECIDED)


def may_restore(user: Anyone, entry: Entry) -> bool:
    """Return whether `user` may take the entry out of the trash, which requires the permission to move it there."""
    return _may_with(user, "change", entry)


def may_delete(user: Anyone, entry: Entry) -> bool:
    """Return whether `user` may delete the entry permanently, which is only possible from the trash."""
    return entry.status == Status.TRASH and _may_with(user, "delete", entry)


def may_delete_revisions(user: Anyone, entry: Entry) -> bool:
    """Return whether `user` may delete older revisions of the entry for good, whatever its status."""
    return may_edit(user, entry) and _may_with(user, "delete", entry)


def may_review(user: Anyone, entry: Entry) -> TypeGuard[User]:
    """Return whether `user` may write, answer and resolve notes on the entry, whatever else they may do with it."""
    return entry.status != Status.TRASH and may_view(user, entry)


def may_delete_note(user: Anyone, note: ReviewNote) -> bool:
    """Return whether `user` may delete the note: editors any note, others their own until it is answered."""
    if not may_review(user, note.entry):
        return False
    if _may_with(user, "change", note.entry, own=False):
        return True
    # An answer has no answers. Those of a note may be prefetched.
    return note.author_id == user.pk and (note.parent_id is not None or not note.answers.all())
