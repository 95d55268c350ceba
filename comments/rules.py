"""What happens to a comment that comes in: small checks, each with a verdict and its reason in words.

No check throws words away. The worst is spam, which is kept for a time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, ngettext

from accounts.models import User
from blog.site import CommentPolicy, SiteSettings
from comments import bayes, blocks
from comments.flood import Count
from comments.models import Block, Comment, Kind, Status
from comments.verdicts import Finding, Verdict

# From so many times the limit on, a sender without proof of work is a flood.
FLOOD = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a comment is at first. `reasons` are stored with it: `{"check": …, "verdict": …, "words": …}`."""

    status: Status
    reasons: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of how a comment came in."""

    closed: bool = False
    # A field was filled that people do not see.
    trapped: bool = False
    count: Count = field(default_factory=Count)
    # The same person has sent the same words before, in the same place.
    repeated: bool = False
    # The browser has done its work, for this comment alone.
    proven: bool = False
    # What Akismet says, if it is asked.
    akismet: Finding | None = None


@dataclass(frozen=True)
class Case:
    """A comment with all that the checks look at."""

    comment: Comment
    site: SiteSettings
    arrival: Arrival = field(default_factory=Arrival)

    @cached_property
    def is_known(self) -> bool:
        """Whether this name with this address was let through before.

        Only among comments of the same account, or of none: nobody passes with the address of somebody on the
        staff. As WordPress's "comment author must have a previously approved comment".
        """
        approved = Comment.objects.approved().filter(kind=Kind.COMMENT, user=self.comment.user)
        the_same = approved.filter(email=self.comment.email, name=self.comment.name)
        return bool(self.comment.email) and the_same.exists()

    @cached_property
    def is_staff(self) -> bool:
        return self.comment.user is not None and self.comment.user.has_perm("comments.moderate_comment")

    @cached_property
    def blocks(self) -> list[Block]:
        return blocks.matching(self.comment)


type Check = Callable[[Case], Finding | None]


def closed(case: Case) -> Finding | None:
    # The form refuses these and gives the words back; here is who was overtaken.
    if not case.arrival.closed:
        return None
    return Finding(Verdict.HOLD, gettext("Comments were closed while this one was on its way."))


def honeypot(case: Case) -> Finding | None:
    if not case.arrival.trapped:
        return None
    return Finding(Verdict.SPAM, gettext("A field was filled in that people do not see."))


def flood(case: Case) -> Finding | None:
    """Too many at once wait, from one sender or in all; from one sender far too many are spam without proof of work."""
    count, limit, limit_on_site = case.arrival.count, case.site.comments_per_sender, case.site.comments_per_site
    if limit and count.from_sender > limit:
        far_too_many = count.from_sender > FLOOD * limit and not case.arrival.proven
        words = ngettext(
            "%(n)d comment came from this sender within ten minutes.",
            "%(n)d comments came from this sender within ten minutes.",
            count.from_sender,
        )
        return Finding(Verdict.SPAM if far_too_many else Verdict.HOLD, words % {"n": count.from_sender})
    if limit_on_site and count.on_site > limit_on_site:
        words = ngettext(
            "%(n)d comment came to the whole site within ten minutes.",
            "%(n)d comments came to the whole site within ten minutes.",
            count.on_site,
        )
        return Finding(Verdict.HOLD, words % {"n": count.on_site})
    return None


def duplicate(case: Case) -> Finding | None:
    if not case.arrival.repeated:
        return None
    return Finding(Verdict.HOLD, gettext("The same person has sent the same words here before."))


def blocked(case: Case) -> Finding | None:
    return _found(case, Block.Verdict.SPAM, Verdict.SPAM, gettext("This is blocked: %(found)s."))


def held(case: Case) -> Finding | None:
    return _found(case, Block.Verdict.HOLD, Verdict.HOLD, gettext("With this comments wait: %(found)s."))


def _found(case: Case, wanted: Block.Verdict, verdict: Verdict, words: str) -> Finding | None:
    found = [block.text for block in case.blocks if block.verdict == wanted]
    return Finding(verdict, words % {"found": ", ".join(found[:10])}) if found else None


def links(case: Case) -> Finding | None:
    number = case.comment.html.count("<a ")
    if number <= case.site.links_allowed:
        return None
    return Finding(Verdict.HOLD, ngettext("It has %(n)d link.", "It has %(n)d links.", number) % {"n": number})


def learnt(case: Case) -> Finding | None:
    """What the filter thinks. It guesses, so of somebody known it never makes spam."""
    opinion = bayes.opinion(case.comment)
    if opinion is None or not opinion.is_suspicious:
        return None
    surely = opinion.is_spam and not case.is_known
    words = gettext("It looks like what moderators took for spam: %(words)s.") % {"words": ", ".join(opinion.words)}
    return Finding(Verdict.SPAM if surely else Verdict.HOLD, words)


def akismet(case: Case) -> Finding | None:
    return case.arrival.akismet


def impostor(case: Case) -> Finding | None:
    """Somebody without an account who uses the address of one. Source: WordPress holds these too (since 2.8)."""
    email = case.comment.email
    if case.comment.user is not None or not email or not User.objects.filter(email__iexact=email).exists():
        return None
    return Finding(
        Verdict.HOLD, gettext("The e-mail address belongs to an account of this site, and its owner was not logged in.")
    )


def trust(case: Case) -> Finding | None:
    if case.is_staff:
        return Finding(Verdict.STAFF, gettext("It was written by somebody who moderates here."))
    if case.is_known:
        return Finding(Verdict.KNOWN, gettext("A comment with this name and e-mail address was approved before."))
    return None


def proof_of_work(case: Case) -> Finding | None:
    if case.comment.user is not None:
        return Finding(Verdict.PROVEN, gettext("It was written by somebody with an account."))
    if not case.arrival.proven:
        return None
    return Finding(Verdict.PROVEN, gettext("The browser has done its proof of work."))


# In the order in which moderators read the reasons.
CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        *(closed, honeypot, flood, duplicate, blocked, held, links),
        *(learnt, akismet, impostor, trust, proof_of_work),
    )
}


def judge(comment: Comment, site: SiteSettings, arrival: Arrival) -> Judgement:
    """Decide what a rendered, not yet stored `comment` is at first.

    1. Staff who may moderate pass; nothing else is looked at.
    2. Otherwise every check is asked, and the worst verdict counts: spam before hold before everything else.
       Who is known passes no block, held word or number of links by that, as in WordPress; only the filter, which
       guesses, holds their comments at worst.
    3. Where nothing speaks against it, the site's policy decides: `hold` – it waits; `known` – the known pass;
       `open` – everybody passes whose browser has done its proof of work, and without it the known and those with
       an account; with the proof of work switched off, everybody.

    So a proof lifts and never lowers: without one a comment waits, or is counted as part of a flood.
    """
    with translation.override(settings.LANGUAGE_CODE):
        case = Case(comment, site, arrival)
        checks = {"trust": trust} if case.is_staff else CHECKS
        found = {name: finding for name, check in checks.items() if (finding := check(case)) is not None}
    verdicts = {finding.verdict for finding in found.values()}
    reasons = [
        {"check": name, "verdict": finding.verdict.name.lower(), "words": finding.words}
        for name, finding in found.items()
    ]
    return Judgement(_status(verdicts, site), reasons)


def _status(verdicts: set[Verdict], site: SiteSettings) -> Status:
    worst = max(verdicts, default=None)
    if worst == Verdict.SPAM:
        return Status.SPAM
    if worst == Verdict.HOLD:
        return Status.PENDING
    enough: set[Verdict] = {Verdict.STAFF}
    if site.comment_policy != CommentPolicy.HOLD:
        enough |= {Verdict.KNOWN}
    if site.comment_policy == CommentPolicy.OPEN:
        enough |= {Verdict.PROVEN}
        if not site.proof_of_work:
            return Status.APPROVED
    return Status.APPROVED if verdicts & enough else Status.PENDING
