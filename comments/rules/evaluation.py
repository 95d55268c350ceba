"""Evaluating the spam filter on labelled comments."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from comments.models import Comment, CommentStatus, Lesson
from comments.rules import bayes


@dataclass(frozen=True, slots=True)
class Labelled:
    """A comment and whether it is spam."""

    comment: Comment
    is_spam: bool


@dataclass(slots=True)
class Result:
    """The filter's verdicts about comments it was not trained on, counted by (is spam, verdict)."""

    trained: int
    counts: Counter[tuple[bool, str]]

    @property
    def precision(self) -> float | None:
        """The share of spam among the comments it marked as spam; None if it marked none."""
        return _share(self.counts[True, "spam"], self.counts[False, "spam"])

    @property
    def recall(self) -> float | None:
        """The share of the spam that it marked as spam; None if there is no spam."""
        return _share(self.counts[True, "spam"], self.counts[True, "hold"] + self.counts[True, ""])

    @property
    def stopped(self) -> float | None:
        """The share of the spam that it marked as spam or held; None if there is no spam."""
        return _share(self.counts[True, "spam"] + self.counts[True, "hold"], self.counts[True, ""])


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


def evaluate(labelled: Sequence[Labelled], decisions: int | None = None) -> Result:
    """Train a new filter with the first `decisions` comments, by default half of them, and test it on the others."""
    trained = len(labelled) // 2 if decisions is None else min(decisions, len(labelled))
    model = bayes.Model()
    for example in labelled[:trained]:
        status = CommentStatus.SPAM if example.is_spam else CommentStatus.APPROVED
        model.learn(bayes.tokens_of(example.comment), status)
    result = Result(trained, Counter())
    for example in labelled[trained:]:
        score = model.score(bayes.tokens_of(example.comment))
        result.counts[example.is_spam, score.verdict if score else ""] += 1
    return result


def own_decisions() -> list[Labelled]:
    """Return the comments of this site that moderators approved or marked as spam, oldest first."""
    lessons = Lesson.objects.select_related("comment").order_by("comment__created_at", "comment")
    return [Labelled(lesson.comment, lesson.status == CommentStatus.SPAM) for lesson in lessons.iterator()]


def read_labelled(lines: Iterable[str]) -> Iterator[Labelled]:
    """Yield the comments of lines like `{"text": "…", "website": "…", "spam": true}`. Raises ValueError."""
    for line_number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            text, website, is_spam = record["text"], record.get("website", ""), record["spam"]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            text = website = is_spam = None
        if not (isinstance(text, str) and isinstance(website, str) and isinstance(is_spam, bool)):
            message = gettext("Line %(line)d is invalid. It should look like %(example)s.")
            example = '{"text": "…", "website": "…", "spam": true}'
            raise ValueError(message % {"line": line_number, "example": example})
        yield Labelled(Comment(text=text, website=website), is_spam)
