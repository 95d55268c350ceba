"""The first status of a new comment: small checks, each with a verdict and a reason.

No check throws away what someone wrote. At worst it is marked as spam, which is kept for a while.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from django.conf import settings as django_settings
from django.utils import translation
from django.utils.translation import gettext, ngettext

from accounts.models import User
from comments.models import Block, Comment, CommentKind, CommentPolicy, CommentSettings, CommentStatus
from comments.normalisation import as_seen, is_like_name
from comments.rules import bayes, blocklist
from comments.rules.rate_limit import Count
from core.prepared import Prepared


class Verdict(Enum):
    """What a check says about a comment: that its author can be trusted, or what to do with it."""

    STAFF = "staff"
    KNOWN = "known"
    PROVEN = "proven"
    HOLD = "hold"
    SPAM = "spam"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one check, and the reason in the site's language."""

    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The first status of a comment, and the reasons stored with it: `{"check": …, "verdict": …, "message": …}`."""

    status: CommentStatus
    reasons: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a comment came in."""

    closed: bool = False
    # A field that people don't see was filled in.
    trapped: bool = False
    count: Count = field(default_factory=Count)
    # The same person has sent the same text before, in the same place.
    repeated: bool = False
    # The browser has solved a challenge for this comment alone.
    proven: bool = False
    akismet: Finding | None = None


@dataclass(frozen=True)
class Case:
    """A comment with everything that the checks need."""

    comment: Comment
    settings: CommentSettings
    arrival: Arrival

    @cached_property
    def is_known(self) -> bool:
        """Whether a comment with this name and e-mail address was approved before.

        The account must be the same too, or neither may have one, so no one passes with a staff member's address.
        Source: WordPress's "comment author must have a previously approved comment".
        """
        email, name, user = self.comment.email, self.comment.name, self.comment.user_id
        return bool(email and _by_person(email, name, user or 0, has_account=user is not None))

    @cached_property
    def is_staff(self) -> bool:
        return self.comment.user is not None and self.comment.user.has_perm("comments.moderate_comment")

    @cached_property
    def blocks(self) -> list[Block]:
        return blocklist.matching(self.comment)


_by_person = Prepared[Comment](
    lambda email, name, user, *, has_account: (
        Comment.objects.approved()
        .filter(kind=CommentKind.COMMENT, user=user if has_account else None, email=email, name=name)
        .only("pk")
        .order_by()[:1]
    )
)
# The address and the name of each account.
_accounts = Prepared[tuple[str, str]](lambda: User.objects.order_by().values_list("email", "display_name"))


def closed(case: Case) -> Finding | None:
    # The form refuses comments once they are closed. This one was already on its way.
    message = gettext("Comments were closed while it was being submitted.")
    return Finding(Verdict.HOLD, message) if case.arrival.closed else None


def honeypot(case: Case) -> Finding | None:
    message = gettext("A hidden field was filled in, which only bots do.")
    return Finding(Verdict.SPAM, message) if case.arrival.trapped else None


def flood(case: Case) -> Finding | None:
    """Hold comments over the limits. This alone doesn't make them spam, because a group may share an IP address."""
    count, limit, limit_on_site = case.arrival.count, case.settings.comments_per_sender, case.settings.comments_per_site
    if limit and count.from_sender > limit:
        message = ngettext(
            "This sender posted %(n)d comment within ten minutes.",
            "This sender posted %(n)d comments within ten minutes.",
            count.from_sender,
        )
        return Finding(Verdict.HOLD, message % {"n": count.from_sender})
    if limit_on_site and count.on_site > limit_on_site:
        message = ngettext(
            "The whole site received %(n)d comment within ten minutes.",
            "The whole site received %(n)d comments within ten minutes.",
            count.on_site,
        )
        return Finding(Verdict.HOLD, message % {"n": count.on_site})
    return None


def duplicate(case: Case) -> Finding | None:
    message = gettext("The same person has posted the same text here before.")
    return Finding(Verdict.HOLD, message) if case.arrival.repeated else None


def blocked(case: Case) -> Finding | None:
    return _match_blocks(case, Verdict.SPAM)


def held(case: Case) -> Finding | None:
    return _match_blocks(case, Verdict.HOLD)


def _match_blocks(case: Case, verdict: Verdict) -> Finding | None:
    found = ", ".join([block.text for block in case.blocks if block.verdict == verdict.value][:10])
    return Finding(verdict, gettext("It matches the blocklist: %(found)s.") % {"found": found}) if found else None


def links(case: Case) -> Finding | None:
    count = case.comment.html.count("<a ")
    message = ngettext("It contains %(n)d link.", "It contains %(n)d links.", count) % {"n": count}
    return Finding(Verdict.HOLD, message) if count > case.settings.links_allowed else None


def spam_filter(case: Case) -> Finding | None:
    """Apply the spam filter. It only guesses, so it never marks comments by known people as spam."""
    score = bayes.score(case.comment)
    if score is None or not score.verdict:
        return None
    verdict = Verdict.HOLD if case.is_known else Verdict(score.verdict)
    message = gettext("It resembles comments that moderators marked as spam: %(words)s.")
    return Finding(verdict, message % {"words": ", ".join(score.tokens)})


def akismet(case: Case) -> Finding | None:
    return case.arrival.akismet


def impostor(case: Case) -> Finding | None:
    """Hold comments by someone without an account who uses the address or the name of one.

    Source: for addresses, WordPress (since 2.8).
    """
    comment = case.comment
    if comment.user is not None or not comment.email:
        return None
    accounts = _accounts()
    # Where everyone's comments are published, holding this one would tell strangers that the address has an account.
    is_telling = case.settings.comment_policy == CommentPolicy.OPEN
    if not is_telling and any(email.lower() == comment.email.lower() for email, _name in accounts):
        message = gettext("The e-mail address belongs to an account on this site, but its owner was not logged in.")
        return Finding(Verdict.HOLD, message)
    seen = as_seen(comment.name)
    if any(is_like_name(seen, as_seen(name)) for _email, name in accounts) and not case.is_known:
        message = gettext("The name is that of an account on this site, but its owner was not logged in.")
        return Finding(Verdict.HOLD, message)
    return None


def trust(case: Case) -> Finding | None:
    if case.is_staff:
        return Finding(Verdict.STAFF, gettext("It was written by a moderator."))
    if case.is_known:
        return Finding(Verdict.KNOWN, gettext("A comment with this name and e-mail address was approved before."))
    return None


def proof_of_work(case: Case) -> Finding | None:
    if case.comment.user is not None:
        return Finding(Verdict.PROVEN, gettext("It was written by someone with an account."))
    message = gettext("The browser provided a proof of work.")
    return Finding(Verdict.PROVEN, message) if case.arrival.proven else None


# In the order in which moderators read the reasons.
_ALL = (closed, honeypot, flood, duplicate, blocked, held, links, spam_filter, akismet, impostor, trust, proof_of_work)
CHECKS: dict[str, Callable[[Case], Finding | None]] = {check.__name__: check for check in _ALL}

_SUFFICIENT = {
    CommentPolicy.HOLD: {Verdict.STAFF},
    CommentPolicy.TRUST_KNOWN: {Verdict.STAFF, Verdict.KNOWN},
    CommentPolicy.OPEN: {Verdict.STAFF, Verdict.KNOWN, Verdict.PROVEN},
}


def judge(comment: Comment, settings: CommentSettings, arrival: Arrival) -> Judgement:
    """Decide the first status of a rendered comment that is not stored yet.

    1. Comments by moderators pass without further checks.
    2. For all others, every check runs and the worst verdict counts: spam before hold before everything else.
       Being known does not override blocks or the limit on links, as in WordPress.
    3. If there is no objection, the site's policy decides. `hold`: the comment is held. `known`: known people pass.
       `open`: everyone whose browser provided a proof of work passes; without one, known people and those with an
       account do. If proof of work is turned off, everyone passes.
    """
    with translation.override(django_settings.LANGUAGE_CODE):
        case = Case(comment, settings, arrival)
        checks = {"trust": trust} if case.is_staff else CHECKS
        found = {name: finding for name, check in checks.items() if (finding := check(case)) is not None}
    reasons = [
        {"check": name, "verdict": finding.verdict.value, "message": finding.message} for name, finding in found.items()
    ]
    return Judgement(_status({finding.verdict for finding in found.values()}, settings), reasons)


def _status(verdicts: set[Verdict], settings: CommentSettings) -> CommentStatus:
    if Verdict.SPAM in verdicts:
        return CommentStatus.SPAM
    if Verdict.HOLD in verdicts:
        return CommentStatus.PENDING
    policy = CommentPolicy(settings.comment_policy)
    everyone_passes = policy == CommentPolicy.OPEN and not settings.proof_of_work
    return CommentStatus.APPROVED if everyone_passes or verdicts & _SUFFICIENT[policy] else CommentStatus.PENDING
