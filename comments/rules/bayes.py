"""A spam filter that learns from the decisions of this site's moderators, and from nothing else.

Sources: Paul Graham, "A Plan for Spam" (2002); Gary Robinson, "A Statistical Approach to the Spam Problem"
(2003): rare words count for less, and evidence for and against spam is combined separately, so a text with neither
stays undecided.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import batched

from django.db import connection

from comments import normalisation
from comments.models import Comment, CommentStatus, Lesson, Token

# The filter says nothing until this many comments of each kind have been decided.
MIN_LESSONS = 20
# From these scores on, a comment is spam or is held.
SPAM_SCORE = 0.995
SUSPICIOUS_SCORE = 0.8
# How much of a comment is read, in characters, and how many of its words are weighed.
MAX_LENGTH = 10_000
MAX_TOKENS = 400
MAX_TOKEN_LENGTH = 40
MAX_WEIGHED = 60
# Robinson's x and s: an unknown word is neutral, and that assumption weighs as much as this many comments.
_NEUTRAL, _STRENGTH = 0.5, 0.45
# Words closer to neutral than this are ignored.
_MIN_DISTANCE = 0.1
_ALL = ""
_HOST = "host:"


@dataclass(frozen=True, slots=True)
class Score:
    """How much a comment looks like spam, from 0 to 1, and the tokens that contributed most to that."""

    value: float
    tokens: tuple[str, ...]
    has_host: bool

    @property
    def is_spam(self) -> bool:
        """Spam wants people to go somewhere. Without a host it may be a reader's praise in the same words."""
        return self.value >= SPAM_SCORE and self.has_host

    @property
    def is_suspicious(self) -> bool:
        return self.value >= SUSPICIOUS_SCORE


@dataclass(slots=True)
class Model:
    """In how many approved comments and in how much spam each token occurs."""

    ham: Counter[str] = field(default_factory=Counter)
    spam: Counter[str] = field(default_factory=Counter)

    def learn(self, tokens: Iterable[str], status: str) -> None:
        (self.spam if status == CommentStatus.SPAM else self.ham).update({_ALL, *tokens})

    def score(self, tokens: Collection[str]) -> Score | None:
        """Score a comment with these tokens; None as long as too little has been learned."""
        if min(self.ham[_ALL], self.spam[_ALL]) < MIN_LESSONS:
            return None
        weights = [(self._probability(token), token) for token in tokens]
        weighed = sorted((one for one in weights if abs(one[0] - _NEUTRAL) >= _MIN_DISTANCE), key=_by_distance)
        weighed = weighed[:MAX_WEIGHED]
        chance_if_ham = _chance(-2 * sum(math.log(1 - weight) for weight, _token in weighed), len(weighed))
        chance_if_spam = _chance(-2 * sum(math.log(weight) for weight, _token in weighed), len(weighed))
        value = (1 + chance_if_spam - chance_if_ham) / 2
        decisive = [token for weight, token in weighed if (weight > _NEUTRAL) == (value > _NEUTRAL)]
        return Score(value, tuple(decisive[:6]), any(token.startswith(_HOST) for token in tokens))

    def _probability(self, token: str) -> float:
        """Return how likely a comment with this token is spam."""
        spam, ham = max(0, self.spam[token]), max(0, self.ham[token])
        in_spam, in_ham = spam / self.spam[_ALL], ham / self.ham[_ALL]
        seen = spam + ham
        share = in_spam / (in_spam + in_ham) if seen else _NEUTRAL
        return (_STRENGTH * _NEUTRAL + seen * share) / (_STRENGTH + seen)


def _by_distance(weight: tuple[float, str]) -> tuple[float, str]:
    return -abs(weight[0] - _NEUTRAL), weight[1]


def _chance(chi: float, count: int) -> float:
    """Return how likely `count` words say at least this much by chance (Fisher: chi-squared, 2 × `count`)."""
    half = chi / 2
    if not half:
        return 1.0
    # In logarithms, because with many words the first term is too small for a float.
    return min(1.0, sum(math.exp(step * math.log(half) - math.lgamma(step + 1) - half) for step in range(count)))


def tokens_of(comment: Comment) -> list[str]:
    """Return the tokens of a comment, each once, at most MAX_TOKENS: words, hosts and the number of links.

    The author's name and e-mail address are left out, because the filter must not remember people.
    """
    text = comment.text[:MAX_LENGTH]
    hosts = normalisation.hosts(f"{comment.website} {text}")[:20]
    links = min(4, text.count("://"))
    tokens = [f"links:{links}", *(f"{_HOST}{host}" for host in hosts), *normalisation.tokens(text)]
    return list(dict.fromkeys(token[:MAX_TOKEN_LENGTH] for token in tokens if len(token) > 1))[:MAX_TOKENS]


def score(comment: Comment) -> Score | None:
    """Score `comment`; None as long as too little has been learned. One query."""
    tokens = tokens_of(comment)
    model = Model()
    for text, ham, spam in Token.objects.filter(text__in=[_ALL, *tokens]).values_list("text", "ham", "spam"):
        model.ham[text], model.spam[text] = ham, spam
    return model.score(tokens)


def learn(lessons: Mapping[Comment, str]) -> None:
    """Learn that these comments are `approved` or `spam`; with an empty status, unlearn them.

    What was learned from a comment before is undone first, so each counts once. The caller has locked the comments in
    the transaction that decides about them.
    """
    ham: Counter[str] = Counter()
    spam: Counter[str] = Counter()
    for batch in batched(lessons.items(), 1_000):
        before = {old.comment_id: old for old in Lesson.objects.filter(comment__in=[comment for comment, _ in batch])}
        changed = {comment: status for comment, status in batch if _status(before.get(comment.pk)) != status}
        stale = [before[comment.pk] for comment in changed if comment.pk in before]
        fresh = [Lesson(comment=one, status=status, tokens=tokens_of(one)) for one, status in changed.items() if status]
        for old in stale:
            (spam if old.status == CommentStatus.SPAM else ham).subtract([_ALL, *old.tokens])
        for new in fresh:
            (spam if new.status == CommentStatus.SPAM else ham).update([_ALL, *new.tokens])
        if stale:
            Lesson.objects.filter(pk__in=[old.pk for old in stale]).delete()
        Lesson.objects.bulk_create(fresh)
    _add(ham, spam)


def learned(comments: Iterable[Comment]) -> Iterator[tuple[Comment, str]]:
    """Yield the comments that the filter has learned from, each with the status it learned."""
    by_pk = {comment.pk: comment for comment in comments}
    for pk, status in Lesson.objects.filter(comment__in=by_pk).values_list("comment", "status"):
        yield by_pk[pk], status


def _status(lesson: Lesson | None) -> str:
    return lesson.status if lesson else ""


def unlearn(comments: Iterable[Comment]) -> None:
    """Undo what was learned from `comments`. The caller has locked them in its transaction."""
    learn(dict.fromkeys(comments, ""))


def _add(ham: Counter[str], spam: Counter[str]) -> None:
    """Add these counts to the tokens.

    The row that counts all comments comes first, so concurrent writers wait there and not halfway through.
    """
    changed = sorted(token for token in {*ham, *spam} if ham[token] or spam[token])
    if changed and changed[0] != _ALL:
        changed.insert(0, _ALL)
    for batch in batched(changed, 300):
        with connection.cursor() as cursor:
            cursor.execute(
                f"""INSERT INTO comments_token (text, ham, spam) VALUES {", ".join(["(%s, %s, %s)"] * len(batch))}
                ON CONFLICT (text) DO UPDATE
                SET ham = comments_token.ham + excluded.ham, spam = comments_token.spam + excluded.spam""",  # noqa: S608  # only placeholders are inserted
                [value for token in batch for value in (token, ham[token], spam[token])],
            )
        reduced = [token for token in batch if token and min(ham[token], spam[token]) < 0]
        if reduced:
            # A word that occurs in no comment any more may have been personal.
            Token.objects.filter(text__in=reduced, ham=0, spam=0).delete()
