"""A filter that learns what is spam on this site from what its moderators decide, and from nothing else.

Sources: Paul Graham, "A Plan for Spam" (2002); Gary Robinson, "A Statistical Approach to the Spam Problem"
(2003): how little is known of a rare word counts too, and words for and against are weighed apart, so that a text
with neither stays undecided.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import batched

from django.db import connection

from comments import folding
from comments.models import Comment, Lesson, Status, Token

# So many comments of either sort have to be decided before the filter says anything.
LEAST_LESSONS = 20
# From here on a comment is spam, from there on it waits.
SURELY_SPAM = 0.995
MAYBE_SPAM = 0.8
# What is read of a comment, and how many of its words are weighed.
MAX_SIGNS = 10_000
MAX_TOKENS = 400
MAX_TOKEN_LENGTH = 40
MAX_WEIGHED = 60
# Robinson's: a word never seen stands in the middle, and weighs as much as this many comments.
_MIDDLE, _STRENGTH = 0.5, 0.45
# Words nearer to the middle say nothing.
_LEAST_DISTANCE = 0.1
_ALL = ""
_HOST = "host:"


@dataclass(frozen=True, slots=True)
class Opinion:
    """How much a comment looks like spam: 0 not at all, 1 surely; and the words that speak most for that.

    `leads_elsewhere`: it names a host.
    """

    score: float
    words: tuple[str, ...]
    leads_elsewhere: bool

    @property
    def is_spam(self) -> bool:
        """Spam wants people to go somewhere. What names no place may be a reader's praise in the same words."""
        return self.score >= SURELY_SPAM and self.leads_elsewhere

    @property
    def is_suspicious(self) -> bool:
        return self.score >= MAYBE_SPAM


@dataclass(slots=True)
class Knowledge:
    """In how many comments each token stands, of the approved ones and of spam."""

    ham: Counter[str] = field(default_factory=Counter)
    spam: Counter[str] = field(default_factory=Counter)

    def learn(self, tokens: Iterable[str], status: str) -> None:
        (self.spam if status == Status.SPAM else self.ham).update({_ALL, *tokens})

    def opinion(self, tokens: Collection[str]) -> Opinion | None:
        """What is thought of a comment of these tokens; None as long as too little is known."""
        if min(self.ham[_ALL], self.spam[_ALL]) < LEAST_LESSONS:
            return None
        likely = [(self._likeliness(token), token) for token in tokens]
        weighed = sorted((one for one in likely if abs(one[0] - 0.5) >= _LEAST_DISTANCE), key=_says_most)[:MAX_WEIGHED]
        chance_if_ham = _chance(-2 * sum(math.log(1 - value) for value, _token in weighed), len(weighed))
        chance_if_spam = _chance(-2 * sum(math.log(value) for value, _token in weighed), len(weighed))
        score = (1 + chance_if_spam - chance_if_ham) / 2
        speaking = [token for value, token in weighed if (value > _MIDDLE) == (score > _MIDDLE)]
        return Opinion(score, tuple(speaking[:6]), any(token.startswith(_HOST) for token in tokens))

    def _likeliness(self, token: str) -> float:
        """How likely a comment with this token is spam."""
        spam, ham = max(0, self.spam[token]), max(0, self.ham[token])
        in_spam, in_ham = spam / self.spam[_ALL], ham / self.ham[_ALL]
        seen = spam + ham
        share = in_spam / (in_spam + in_ham) if seen else _MIDDLE
        return (_STRENGTH * _MIDDLE + seen * share) / (_STRENGTH + seen)


def _says_most(one: tuple[float, str]) -> tuple[float, str]:
    return -abs(one[0] - _MIDDLE), one[1]


def _chance(chi: float, number: int) -> float:
    """How likely so many words together say at least as much by chance (Fisher: chi-squared, twice `number`)."""
    half = chi / 2
    if not half:
        return 1.0
    # In logarithms: of many words the first term is too small for a float.
    return min(1.0, sum(math.exp(step * math.log(half) - math.lgamma(step + 1) - half) for step in range(number)))


def tokens_of(comment: Comment) -> list[str]:
    """What the filter knows a comment by, each once, MAX_TOKENS at most: words, hosts, how many links.

    Neither its author's name nor the e-mail address: the filter remembers nobody.
    """
    text = comment.text[:MAX_SIGNS]
    hosts = folding.hosts(f"{comment.website} {text}")[:20]
    links = min(4, text.count("://"))
    found = [f"links:{links}", *(f"{_HOST}{host}" for host in hosts), *folding.tokens(text)]
    return list(dict.fromkeys(token[:MAX_TOKEN_LENGTH] for token in found if len(token) > 1))[:MAX_TOKENS]


def opinion(comment: Comment) -> Opinion | None:
    """What the filter thinks of `comment`; None as long as it has learnt too little. One query."""
    tokens = tokens_of(comment)
    known = Knowledge()
    for text, ham, spam in Token.objects.filter(text__in=[_ALL, *tokens]).values_list("text", "ham", "spam"):
        known.ham[text], known.spam[text] = ham, spam
    return known.opinion(tokens)


def learn(lessons: Mapping[Comment, str]) -> None:
    """Learn that these comments are `approved` or `spam`; with an empty word, forget what was learnt of them.

    What was learnt of a comment before is taken back first, so that each counts once. The caller has locked
    the comments, and is in the transaction that decides about them.
    """
    ham: Counter[str] = Counter()
    spam: Counter[str] = Counter()
    for some in batched(lessons.items(), 1_000):
        before = {old.comment_id: old for old in Lesson.objects.filter(comment__in=[comment for comment, _ in some])}
        changed = {comment: status for comment, status in some if _status(before.get(comment.pk)) != status}
        stale = [before[comment.pk] for comment in changed if comment.pk in before]
        fresh = [Lesson(comment=one, status=status, tokens=tokens_of(one)) for one, status in changed.items() if status]
        for old in stale:
            (spam if old.status == Status.SPAM else ham).subtract([_ALL, *old.tokens])
        for new in fresh:
            (spam if new.status == Status.SPAM else ham).update([_ALL, *new.tokens])
        if stale:
            Lesson.objects.filter(pk__in=[old.pk for old in stale]).delete()
        Lesson.objects.bulk_create(fresh)
    _add(ham, spam)


def learnt(comments: Iterable[Comment]) -> Iterator[tuple[Comment, str]]:
    """Those of `comments` of which something was learnt, each with what."""
    by_key = {comment.pk: comment for comment in comments}
    for pk, status in Lesson.objects.filter(comment__in=by_key).values_list("comment", "status"):
        yield by_key[pk], status


def _status(lesson: Lesson | None) -> str:
    return lesson.status if lesson else ""


def forget(comments: Iterable[Comment]) -> None:
    """Take back what was learnt of `comments`. The caller has locked them, in its transaction."""
    learn(dict.fromkeys(comments, ""))


def _add(ham: Counter[str], spam: Counter[str]) -> None:
    """Add these numbers to what the tokens have.

    The row of all comments comes first: who teaches at the same time waits there, and never half-way.
    """
    changed = sorted(token for token in {*ham, *spam} if ham[token] or spam[token])
    if changed and changed[0] != _ALL:
        changed.insert(0, _ALL)
    for some in batched(changed, 300):
        with connection.cursor() as cursor:
            cursor.execute(
                # Only the number of rows differs; the names are constants.
                f"""INSERT INTO comments_token (text, ham, spam) VALUES {", ".join(["(%s, %s, %s)"] * len(some))}
                ON CONFLICT (text) DO UPDATE
                SET ham = comments_token.ham + excluded.ham, spam = comments_token.spam + excluded.spam""",  # noqa: S608  (placeholders alone are put in)
                [value for token in some for value in (token, ham[token], spam[token])],
            )
        lessened = [token for token in some if token and min(ham[token], spam[token]) < 0]
        if lessened:
            # A word that stands in no comment any more may have been somebody's own.
            Token.objects.filter(text__in=lessened, ham=0, spam=0).delete()
