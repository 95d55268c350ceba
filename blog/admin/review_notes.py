"""Notes on posts and pages in the admin: in the panel of the form, and on a page of their own.

The page serves browsers without JavaScript, and static/admin-broadside/review_notes.js fetches it. Both submit the same
form, which is separate from the form of the text, so that no unsaved text is lost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from accounts.models import User
from blog.models import MAX_NOTE_LENGTH, Entry, ReviewNote
from blog.permissions import may_review
from blog.review import notes
from blog.review.notices import latest_return
from blog.review.paragraphs import split_paragraphs
from blog.review.threads import threads_of
from core.admin import BaseAdmin
from core.admin_routes import route
from core.text import parse_id, remove_unstorable, unify_line_ends

# How many paragraphs the page offers to choose from.
_MAX_CHOICES = 300


@dataclass(frozen=True, slots=True)
class Mistake:
    """An error in the field of this name, into which `text` was typed."""

    field: str
    text: str
    message: str


class ReviewNotesMixin(BaseAdmin[Any]):
    """Adds notes. People who can see an entry can see its notes."""

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if (entry := context["original"]) is not None:
            context |= {**self._notes_context(request, entry), "returned": latest_return(entry)}
        return super().render_change_form(request, context, *args, **kwargs)

    @route("<int:pk>/notes/", "notes")
    def notes_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the notes on an entry. A POST adds, answers, resolves, reopens or deletes one."""
        if request.method != "POST":
            return self._notes_page(request, self.find_object(request, pk, self.has_view_permission))
        # Loading the entry locks it, so that a repeated request waits and nothing happens twice.
        with transaction.atomic():
            entry = self.find_object(request, pk, self.has_view_permission)
            if not may_review(request.user, entry):
                raise PermissionDenied
            mistake = self._take_note(request, entry)
        if mistake is not None:
            return self._notes_page(request, entry, mistake)
        return HttpResponseRedirect(request.path)

    def _take_note(self, request: HttpRequest, entry: Entry) -> Mistake | None:
        """Perform the action of the pressed button, and report it."""
        user = cast("User", request.user)
        actions: dict[str, tuple[Callable[[ReviewNote, User], None], str]] = {
            "resolve": (notes.resolve, gettext("Note resolved.")),
            "reopen": (notes.reopen, gettext("Note reopened.")),
            "delete": (notes.delete, gettext("Note deleted.")),
        }
        for name, (act, said) in actions.items():
            if name in request.POST:
                act(_posted_note(request, entry, name), user)
                self.message_user(request, said, messages.SUCCESS)
                return None
        if "answer" in request.POST:
            note = _posted_note(request, entry, "answer")
            said = gettext("Reply added.")
            return self._write(request, f"answer-{note.pk}", lambda text: notes.answer(note, user, text), said)
        quote = remove_unstorable(unify_line_ends(request.POST.get("quote", ""))) or _chosen_paragraph(request, entry)
        said = gettext("Note added.")
        return self._write(request, "text", lambda text: notes.add(entry, user, text, quote), said)

    def _write(self, request: HttpRequest, field: str, write: Callable[[str], ReviewNote], said: str) -> Mistake | None:
        text = remove_unstorable(unify_line_ends(request.POST.get(field, ""))).strip()
        message = ""
        if not text:
            message = gettext("Write something first.")
        elif len(text) > MAX_NOTE_LENGTH:
            message = gettext("The note is longer than %(limit)d characters. Shorten it.") % {"limit": MAX_NOTE_LENGTH}
        else:
            try:
                write(text)
            except notes.TooManyNotesError:
                message = gettext("There are too many notes here already. Resolve or delete some first.")
        if message:
            return Mistake(field, text, message)
        self.message_user(request, said, messages.SUCCESS)
        return None

    def _notes_page(self, request: HttpRequest, entry: Entry, mistake: Mistake | None = None) -> HttpResponse:
        paragraphs = split_paragraphs(entry.source)[:_MAX_CHOICES]
        return self.own_page(
            request,
            "admin/blog/entry/notes_page.html",
            gettext("Notes"),
            subtitle=str(entry),
            object=entry,
            entry=entry,
            change_url=self._url("change", entry.pk),
            mistake=mistake,
            paragraphs=[(index, Truncator(text).chars(80)) for index, text in enumerate(paragraphs)],
            **self._notes_context(request, entry),
        )

    def _notes_context(self, request: HttpRequest, entry: Entry) -> dict[str, Any]:
        threads = threads_of(entry, request.user)
        count = len(threads.open)
        label = ngettext("%(count)d open note", "%(count)d open notes", count) % {"count": count} if count else ""
        return {
            "threads": threads,
            "open_notes_label": label,
            "notes_url": self._url("notes", entry.pk),
            "may_review": may_review(request.user, entry),
            "max_note_length": MAX_NOTE_LENGTH,
        }


def _posted_note(request: HttpRequest, entry: Entry, name: str) -> ReviewNote:
    note = get_object_or_404(ReviewNote, entry=entry.pk, pk=parse_id(request.POST[name]))
    note.entry = entry
    return note


def _chosen_paragraph(request: HttpRequest, entry: Entry) -> str:
    """Return the chosen paragraph, or its beginning if it has changed since; empty for the whole text."""
    chosen, beginning = request.POST.get("paragraph", "").partition(":")[::2]
    if not (chosen.isascii() and chosen.isdecimal() and len(chosen) < 9):
        return ""
    paragraphs = split_paragraphs(entry.source)
    index = int(chosen)
    is_there = index < len(paragraphs) and Truncator(paragraphs[index]).chars(80) == beginning
    return paragraphs[index] if is_there else beginning
