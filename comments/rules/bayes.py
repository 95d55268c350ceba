"""A spam filter that learns from the decisions of this site's moderators, and from nothing else.

Sources: Paul Graham, "A Plan for Spam" (2002); Gary Robinson, "A Statistical Approach to the Spam Problem"
(2003): rare words count for less, and evidence for and against spam is combined separately, so a text with neither
stays undecided.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import batched

from django.db import connection, transaction
from django.db.models import F

from comments import normalisation
from comments.models import Comment, CommentStatus, Lesson, Token
from core.prepared import Prepared

# The filter gives no verdicts until this many comments of each kind have been decided.
MIN_LESSONS = 20
# Comments with at least these scores are marked as spam or held.
SPAM_SCORE = 0.995
SUSPICIOUS_SCORE = 0.8
# How much of a comment is read, in characters, and how many of its tokens count.
MAX_LENGTH = 10_000
MAX_TOKENS = 400
MAX_TOKEN_LENGTH = 40
MAX_WEIGHED = 60
# Robinson's x and s: an unknown word is neutral, and that assumption weighs as much as this many comments.
_NEUTRAL, _STRENGTH = 0.5, 0.45
# Words closer to neutral than this are ignored.
_MIN_DISTANCE = 0.1
# A word that occurs in this many comments says something about spam. In fewer, it may reveal who wrote them.
_COMMON = 5
_ALL = ""
_HOST = "host:"


@dataclass(frozen=True, slots=True)
class Score:
    """How much a comment looks like spam (0 to 1), which tokens contributed most, and `spam`, `hold` or nothing."""

    value: float
    tokens: tuple[str, ...]
    verdict: str


@dataclass(slots=True)
class Model:
    """The number of approved comments and of spam comments in which each token occurs."""

    ham: Counter[str] = field(default_factory=Counter)
    spam: Counter[str] = field(default_factory=Counter)

    def learn(self, tokens: Iterable[str], status: str, times: int = 1) -> None:
        """Count a comment with these tokens; undo that if `times` is -1."""
        counts = self.spam if status == CommentStatus.SPAM else self.ham
        counts.update(dict.fromkeys({_ALL, *tokens}, times))

    def score(self, tokens: Collection[str]) -> Score | None:
        """Score a comment with these tokens; None until enough has been learned."""
        if min(self.ham[_ALL], self.spam[_ALL]) < MIN_LESSONS:
            return None
        weights = {token: self._probability(token) for token in tokens}
        distances = {token: abs(weight - _NEUTRAL) for token, weight in weights.items()}
        significant = [token for token, distance in distances.items() if distance >= _MIN_DISTANCE]
        weighed = sorted(significant, key=lambda token: (-distances[token], token))[:MAX_WEIGHED]
        chance_if_ham = _chance([1 - weights[token] for token in weighed])
        chance_if_spam = _chance([weights[token] for token in weighed])
        value = (1 + chance_if_spam - chance_if_ham) / 2
        decisive = [token for token in weighed if (weights[token] > _NEUTRAL) == (value > _NEUTRAL)]
        verdict = "hold" if value >= SUSPICIOUS_SCORE else ""
        # Spam contains a host. Without one, the comment may be genuine praise in the same words.
        if value >= SPAM_SCORE and any(token.startswith(_HOST) for token in tokens):
            verdict = "spam"
        return Score(value, tuple(decisive[:6]), verdict)

    def _probability(self, token: str) -> float:
        """Return the probability that a comment with this token is spam."""
        spam, ham = max(0, self.spam[token]), max(0, self.ham[token])
        in_spam, in_ham = spam / self.spam[_ALL], ham / self.ham[_ALL]
        seen = spam + ham
        share = in_spam / (in_spam + in_ham) if seen else _NEUTRAL
        return (_STRENGTH * _NEUTRAL + seen * share) / (_STRENGTH + seen)


def _chance(weights: list[float]) -> float:
    """Return how likely these weights are to occur together by chance (Fisher: half of chi-squared, 2 × words)."""
    half = -sum(map(math.log, weights))
    if not half:
        return 1.0
    # In logarithms, because with many words the first term is too small for a float.
    return min(1.0, sum(math.exp(step * math.log(half) - math.lgamma(step + 1) - half) for step in range(len(weights))))


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
    """Score `comment`; None until enough has been learned. One query."""
    tokens = tokens_of(comment)
    model = Model()
    for text, ham, spam in _counts([_ALL, *tokens]):
        model.ham[text], model.spam[text] = ham, spam
    return model.score(tokens)


_counts = Prepared[tuple[str, int, int]](
    lambda texts: Token.objects.filter(text__in=texts).values_list("text", "ham", "spam")
)


def learn(lessons: Mapping[Comment, str]) -> None:
    """Learn that these comments are `approved` or `spam`; with an empty status, unlearn them.

    What was learned from a comment before is undone first, so each counts once. The caller has locked the comments in
    the transaction that decides about them.
    """
    change = Model()
    for batch in batched(lessons.items(), 1_000):
        stale = {old.comment_id: old for old in Lesson.objects.filter(comment__in=[comment for comment, _ in batch])}
        fresh: list[Lesson] = []
        for comment, status in batch:
            if comment.pk in stale and stale[comment.pk].status == status:
                del stale[comment.pk]
            elif status:
                fresh.append(Lesson(comment=comment, status=status, tokens=tokens_of(comment)))
        for old in stale.values():
            change.learn(old.tokens, old.status, -1)
        for new in fresh:
            change.learn(new.tokens, new.status)
        if stale:
            Lesson.objects.filter(pk__in=list(stale)).delete()
        Lesson.objects.bulk_create(fresh)
    _store(change)


def unlearn(comments: Iterable[Comment]) -> None:
    """Undo what was learned from `comments`. The caller has locked them in its transaction."""
    learn(dict.fromkeys(comments, ""))


def forget_rare_words() -> int:
    """Forget the words that only a few comments had, if all of these are deleted. Return the number of words.

    Comments are also deleted along with their posts, so this scans everything that was learned, in linear time.
    """
    rare = {
        text: (ham, spam)
        for text, ham, spam in Token.objects.alias(total=F("ham") + F("spam"))
        .filter(total__lt=_COMMON)
        .exclude(text=_ALL)
        .values_list("text", "ham", "spam")
        .iterator()
    }
    for tokens in Lesson.objects.values_list("tokens", flat=True).iterator(1_000):
        for token in tokens:
            rare.pop(token, None)
    by_counts: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for text, counts in rare.items():
        by_counts[counts].append(text)
    forgotten = 0
    for (ham, spam), texts in by_counts.items():
        for batch in batched(texts, 1_000):
            with transaction.atomic():
                lock_counts()
                # Except those that have just been learned again.
                forgotten += Token.objects.filter(text__in=batch, ham=ham, spam=spam).delete()[0]
    return forgotten


def lock_counts() -> None:
    """Lock the row that counts all comments, so concurrent writers wait there rather than halfway through."""
    list(Token.objects.select_for_update().filter(text=_ALL))


def _store(change: Model) -> None:
    """Add these counts to the stored ones. The row that counts all comments comes first, as in `lock_counts`."""
    ham, spam = change.ham, change.spam
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
            # A word that no longer occurs in any comment may have been personal.
            Token.objects.filter(text__in=reduced, ham=0, spam=0).delete()
