"""The notes on a text as a user sees them: with their answers, in the order of the text."""

from dataclasses import dataclass

from django.db.models import Prefetch

from blog.models import Entry, ReviewNote
from blog.permissions import Anyone, may_delete_note
from blog.review.paragraphs import Paragraphs, quote_of


@dataclass(frozen=True, slots=True)
class Answer:
    note: ReviewNote
    may_delete: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """A note with its answers.

    `paragraph` is the current beginning of the paragraph that it is about; empty if that no longer exists, or if the
    note is about the whole text.
    """

    note: ReviewNote
    answers: list[Answer]
    paragraph: str
    has_changed: bool
    may_delete: bool

    @property
    def answer_field(self) -> str:
        """The name of the field for an answer."""
        return f"answer-{self.note.pk}"


@dataclass(frozen=True, slots=True)
class Threads:
    """All notes on an entry."""

    open: list[Thread]
    resolved: list[Thread]


def threads_of(entry: Entry, user: Anyone) -> Threads:
    """Return the notes on `entry`: open ones in the order of the text, resolved ones by time. Takes two queries."""
    answers = ReviewNote.objects.select_related("author")
    notes = entry.review_notes.filter(parent=None).select_related("author", "resolved_by")
    found = list(notes.prefetch_related(Prefetch("answers", answers)))
    paragraphs = Paragraphs(entry.source if any(note.quote for note in found) else "")
    placed: list[tuple[int, Thread]] = []
    resolved: list[Thread] = []
    for note in found:
        place = paragraphs.find(note.quote) if note.quote else None
        thread = Thread(
            note,
            [Answer(answer, _may_delete(user, answer, entry)) for answer in note.answers.all()],
            paragraph=quote_of(paragraphs.texts[place]) if place is not None else "",
            has_changed=bool(note.quote) and not paragraphs.is_unchanged(note.quote),
            may_delete=_may_delete(user, note, entry),
        )
        if note.resolved_at is None:
            # Notes about the whole text, or about a paragraph that no longer exists, come first.
            placed.append((-1 if place is None else place, thread))
        else:
            resolved.append(thread)
    placed.sort(key=lambda pair: pair[0])
    return Threads([thread for _place, thread in placed], resolved)


def _may_delete(user: Anyone, note: ReviewNote, entry: Entry) -> bool:
    # Saves a query for each note.
    note.entry = entry
    return may_delete_note(user, note)
