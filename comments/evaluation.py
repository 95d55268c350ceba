"""How well the filter does on comments of which somebody has said what they are."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext

from comments import bayes
from comments.models import Comment, Lesson, Status


class LabelledFileError(Exception):
    """A line of the file is not what it should be; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A comment, and whether it is spam."""

    comment: Comment
    is_spam: bool


@dataclass(slots=True)
class Result:
    """What the filter made of the comments it had not seen: how many of (is spam, verdict)."""

    learnt: int = 0
    table: Counter[tuple[bool, str]] = field(default_factory=Counter)

    @property
    def precision(self) -> float | None:
        """Which share of what it called spam is spam; None if it called nothing so."""
        called = self.table[True, "spam"] + self.table[False, "spam"]
        return self.table[True, "spam"] / called if called else None

    @property
    def recall(self) -> float | None:
        """Which share of the spam it called spam; None if there is no spam."""
        return self._share_of_spam("spam")

    @property
    def stopped(self) -> float | None:
        """Which share of the spam it called spam or held; None if there is no spam."""
        return self._share_of_spam("spam", "hold")

    def _share_of_spam(self, *verdicts: str) -> float | None:
        spam = sum(number for (is_spam, _verdict), number in self.table.items() if is_spam)
        return sum(self.table[True, verdict] for verdict in verdicts) / spam if spam else None


def evaluate(labelled: Sequence[Labelled], decisions: int | None = None) -> Result:
    """Teach a new filter the first `decisions` comments (by default half of them) and try it on the others."""
    learnt = len(labelled) // 2 if decisions is None else min(decisions, len(labelled))
    known = bayes.Knowledge()
    for one in labelled[:learnt]:
        known.learn(bayes.tokens_of(one.comment), Status.SPAM if one.is_spam else Status.APPROVED)
    result = Result(learnt)
    for one in labelled[learnt:]:
        result.table[one.is_spam, verdict(known.opinion(bayes.tokens_of(one.comment)))] += 1
    return result


def verdict(opinion: bayes.Opinion | None) -> str:
    """`spam`, `hold`, or empty if nothing speaks against it."""
    if opinion is None or not opinion.is_suspicious:
        return ""
    return "spam" if opinion.is_spam else "hold"


def own_decisions() -> list[Labelled]:
    """The comments of this site that moderators approved or took for spam, the oldest first."""
    lessons = Lesson.objects.select_related("comment").order_by("comment__created_at", "comment")
    return [Labelled(lesson.comment, lesson.status == Status.SPAM) for lesson in lessons.iterator()]


def read_labelled(lines: Iterable[str]) -> Iterator[Labelled]:
    """The comments of a file: a JSON object in each line, `{"text": "…", "website": "…", "spam": true}`.

    Raises LabelledFileError.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            text, website, is_spam = record["text"], record.get("website", ""), record["spam"]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            text = website = is_spam = None
        if not (isinstance(text, str) and isinstance(website, str) and isinstance(is_spam, bool)):
            expected = '{"text": "…", "website": "…", "spam": true}'
            words = gettext("Line %(number)d is not of the form %(form)s.")
            raise LabelledFileError(words % {"number": number, "form": expected})
        yield Labelled(Comment(text=text, website=website), is_spam)
