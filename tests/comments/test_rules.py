"""What the rules make of a comment that comes in: each check alone, all together, and the site's policy."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import User
from blog.models import Post
from comments.models import Block, Comment, CommentPolicy, CommentSettings, Token
from comments.models import CommentStatus as Status
from comments.moderation.submission import submit
from comments.rules.bayes import MIN_LESSONS
from comments.rules.judge import CHECKS, FLOOD_FACTOR, Arrival, Case, Finding, Verdict, judge
from comments.rules.rate_limit import Count
from tests.factories import CommentFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

HOLD, KNOWN, OPEN = CommentPolicy.HOLD, CommentPolicy.TRUST_KNOWN, CommentPolicy.OPEN
PROVEN = Arrival(proven=True)


@pytest.fixture
def post() -> Any:
    return PostFactory.create()


def comment(post: Post, **words: Any) -> Comment:
    made = Comment(entry=post, **{"name": "Ann", "email": "ann@example.org", "text": "Hello.", **words})
    made.render()
    return made


def found(check: str, of: Comment, arrival: Arrival | None = None, **settings: Any) -> Finding | None:
    return CHECKS[check](Case(of, CommentSettings(**settings), arrival or Arrival()))


def verdict(check: str, of: Comment, arrival: Arrival | None = None, **settings: Any) -> Verdict | None:
    finding = found(check, of, arrival, **settings)
    return finding.verdict if finding else None


def status(of: Comment, arrival: Arrival | None = None, **settings: Any) -> Status:
    return judge(of, CommentSettings(**settings), arrival or Arrival()).status


def block(text: str, kind: str = "word", verdict: str = "spam") -> Block:
    return Block.objects.create(text=text, kind=kind, verdict=verdict)


def teach_spam(words: str) -> None:
    """Let the filter know each of `words` from spam alone."""
    Token.objects.create(text="", ham=MIN_LESSONS, spam=MIN_LESSONS)
    Token.objects.bulk_create(Token(text=word, spam=MIN_LESSONS) for word in words.split())


SPAMMY = "casino jackpot bonus spins payout slots betting roulette deposit winner"


class TestEachAlone:
    @pytest.mark.parametrize("check", CHECKS)
    def test_a_plain_comment_of_a_stranger_is_found_fault_with_by_none(self, check: str, post: Post) -> None:
        assert found(check, comment(post)) is None

    def test_closed(self, post: Post) -> None:
        assert verdict("closed", comment(post), Arrival(closed=True)) == Verdict.HOLD

    def test_honeypot(self, post: Post) -> None:
        assert verdict("honeypot", comment(post), Arrival(trapped=True)) == Verdict.SPAM

    @pytest.mark.parametrize(
        ("count", "proven", "expected"),
        [
            (Count(10, 10), False, None),
            (Count(11, 11), False, Verdict.HOLD),
            (Count(10 * FLOOD_FACTOR, 30), False, Verdict.HOLD),
            (Count(10 * FLOOD_FACTOR + 1, 31), False, Verdict.SPAM),
            (Count(10 * FLOOD_FACTOR + 1, 31), True, Verdict.HOLD),
            (Count(1, 50), False, None),
            (Count(1, 51), True, Verdict.HOLD),
        ],
    )
    def test_flood(self, count: Count, proven: bool, expected: Verdict | None, post: Post) -> None:
        arrival = Arrival(count=count, proven=proven)
        assert verdict("flood", comment(post), arrival, comments_per_sender=10, comments_per_site=50) == expected

    def test_flood_without_limits(self, post: Post) -> None:
        arrival = Arrival(count=Count(9_999, 9_999))
        assert verdict("flood", comment(post), arrival, comments_per_sender=0, comments_per_site=0) is None

    def test_duplicate(self, post: Post) -> None:
        assert verdict("duplicate", comment(post), Arrival(repeated=True)) == Verdict.HOLD

    @pytest.mark.parametrize(
        ("kind", "text", "words"),
        [
            ("word", "casino", {"text": "A CASINÒ!"}),
            ("word", "казино", {"text": "Лучшее Казино"}),
            ("word", "赌场", {"text": "在线赌场注册"}),
            ("word", "قمار", {"text": "موقع قِمَار جديد"}),
            ("word", "cheap pills", {"name": "Cheap Pills"}),
            ("word", "promo", {"website": "https://x.example/promo/"}),
            ("name", "Best Offers", {"name": "BEST  offers"}),
            ("email", "Spam@Example.com", {"email": "spam@example.COM"}),
            ("host", "bad.example", {"text": "at http://shop.BAD.example/"}),
            ("host", "bad.example", {"text": "bad.example"}),
            ("host", "bad.example", {"website": "https://bad.example"}),
            ("host", "bad.example", {"email": "a@mail.bad.example"}),
            ("host", "https://bücher.example/x", {"text": "http://xn--bcher-kva.example"}),
        ],
    )
    def test_blocked_and_held(self, kind: str, text: str, words: dict[str, str], post: Post) -> None:
        entry = block(text, kind)
        assert verdict("blocked", comment(post, **words)) == Verdict.SPAM
        assert found("held", comment(post, **words)) is None
        entry.verdict = "hold"
        entry.save()
        assert verdict("held", comment(post, **words)) == Verdict.HOLD
        assert found("blocked", comment(post, **words)) is None

    @pytest.mark.parametrize(
        ("kind", "text", "words"),
        [
            ("word", "press", {"text": "I use WordPress."}),
            ("name", "Ann", {"name": "Anna"}),
            ("name", "Bo", {"text": "Bo was here"}),
            ("email", "n@example.org", {}),
            ("host", "ad.example", {"text": "http://bad.example"}),
            ("host", "shop.bad.example", {"text": "http://bad.example"}),
        ],
    )
    def test_what_is_not_blocked(self, kind: str, text: str, words: dict[str, str], post: Post) -> None:
        block(text, kind)
        assert found("blocked", comment(post, **words)) is None

    def test_what_is_blocked_is_named(self, post: Post) -> None:
        block("Casino")
        block("bad.example", "host")
        finding = found("blocked", comment(post, text="casino http://bad.example"))
        assert finding is not None
        assert finding.message == "It matches the blocklist: Casino, bad.example."

    @pytest.mark.parametrize(("allowed", "expected"), [(0, Verdict.HOLD), (1, Verdict.HOLD), (2, None)])
    def test_links(self, allowed: int, expected: Verdict | None, post: Post) -> None:
        two = comment(post, text="http://a.example and www.b.example")
        assert verdict("links", two, links_allowed=allowed) == expected

    def test_two_links_hold_as_wordpress_has_it(self, post: Post) -> None:
        assert verdict("links", comment(post, text="http://a.example")) is None
        assert verdict("links", comment(post, text="http://a.example http://b.example")) == Verdict.HOLD

    def test_learnt(self, post: Post) -> None:
        teach_spam(SPAMMY)
        finding = found("spam_filter", comment(post, text=f"{SPAMMY} at http://x.example"))
        assert finding is not None
        assert finding.verdict == Verdict.SPAM
        assert "betting" in finding.message

    def test_learnt_only_holds_what_leads_nowhere(self, post: Post) -> None:
        teach_spam(SPAMMY)
        assert verdict("spam_filter", comment(post, text=SPAMMY)) == Verdict.HOLD

    def test_learnt_only_holds_what_the_known_write(self, post: Post) -> None:
        teach_spam(SPAMMY)
        CommentFactory.create(name="Ann", email="ann@example.org")
        assert verdict("spam_filter", comment(post, text=f"{SPAMMY} http://x.example")) == Verdict.HOLD

    def test_akismet(self, post: Post) -> None:
        finding = Finding(Verdict.SPAM, "…")
        assert found("akismet", comment(post), Arrival(akismet=finding)) == finding

    def test_a_stranger_with_the_address_of_an_account_is_an_impostor(self, post: Post) -> None:
        user = UserFactory.create(email="Ann@Example.org")
        assert verdict("impostor", comment(post)) == Verdict.HOLD
        assert found("impostor", comment(post, user=user)) is None
        assert found("impostor", comment(post, email="")) is None

    def test_trust(self, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        moderator = UserFactory.create(role="Moderator")
        assert verdict("trust", comment(post)) == Verdict.KNOWN
        assert verdict("trust", comment(post, user=moderator)) == Verdict.STAFF
        assert found("trust", comment(post, user=UserFactory.create(role="Author"))) is None

    def test_proof_of_work(self, post: Post) -> None:
        assert verdict("proof_of_work", comment(post), PROVEN) == Verdict.PROVEN
        assert verdict("proof_of_work", comment(post, user=UserFactory.create())) == Verdict.PROVEN


class TestPolicy:
    @pytest.mark.parametrize(
        ("policy", "known", "proven", "asked", "expected"),
        [
            (HOLD, False, False, True, Status.PENDING),
            (HOLD, True, True, True, Status.PENDING),
            (HOLD, True, True, False, Status.PENDING),
            (KNOWN, False, True, True, Status.PENDING),
            (KNOWN, True, False, True, Status.APPROVED),
            (OPEN, False, False, True, Status.PENDING),
            (OPEN, False, True, True, Status.APPROVED),
            (OPEN, True, False, True, Status.APPROVED),
            (OPEN, False, False, False, Status.APPROVED),
        ],
    )
    def test_where_nothing_speaks_against_it(
        self, policy: CommentPolicy, known: bool, proven: bool, asked: bool, expected: Status, post: Post
    ) -> None:
        if known:
            CommentFactory.create(name="Ann", email="ann@example.org")
        assert status(comment(post), Arrival(proven=proven), comment_policy=policy, proof_of_work=asked) == expected

    def test_the_first_comment_waits_and_after_it_was_approved_the_next_passes(self, post: Post) -> None:
        assert status(comment(post), comment_policy=KNOWN) == Status.PENDING
        CommentFactory.create(name="Ann", email="ann@example.org", status=Status.PENDING)
        assert status(comment(post), comment_policy=KNOWN) == Status.PENDING
        Comment.objects.update(status=Status.APPROVED)
        assert status(comment(post), comment_policy=KNOWN) == Status.APPROVED

    @pytest.mark.parametrize("policy", list(CommentPolicy))
    def test_staff_pass_whatever_is_found(self, policy: CommentPolicy, post: Post) -> None:
        moderator = User.objects.get(pk=UserFactory.create(role="Moderator").pk)
        block("hello")
        arrival = Arrival(closed=True, trapped=True, count=Count(999, 999), repeated=True)
        judgement = judge(comment(post, user=moderator), CommentSettings(comment_policy=policy), arrival)
        assert judgement.status == Status.APPROVED
        assert [reason["check"] for reason in judgement.reasons] == ["trust"]


class TestTheWorstCounts:
    ARRIVALS = {
        "closed": (Arrival(closed=True, proven=True), Status.PENDING),
        "honeypot": (Arrival(trapped=True, proven=True), Status.SPAM),
        "flood": (Arrival(count=Count(11, 11), proven=True), Status.PENDING),
        "duplicate": (Arrival(repeated=True, proven=True), Status.PENDING),
        "akismet": (Arrival(akismet=Finding(Verdict.SPAM, "…"), proven=True), Status.SPAM),
    }

    @pytest.mark.parametrize("check", ARRIVALS)
    def test_no_trust_and_no_proof_outweighs_how_it_came(self, check: str, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        arrival, expected = self.ARRIVALS[check]
        judgement = judge(comment(post), CommentSettings(comment_policy=OPEN), arrival)
        assert judgement.status == expected
        assert [reason["check"] for reason in judgement.reasons] == [check, "trust", "proof_of_work"]

    @pytest.mark.parametrize(("kind", "expected"), [("spam", Status.SPAM), ("hold", Status.PENDING)])
    def test_nor_what_is_blocked(self, kind: str, expected: Status, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        block("hello", verdict=kind)
        assert status(comment(post), PROVEN, comment_policy=OPEN) == expected

    def test_nor_links(self, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        assert status(comment(post, text="www.a.example www.b.example"), PROVEN, comment_policy=OPEN) == Status.PENDING

    def test_nor_the_address_of_an_account(self, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        UserFactory.create(email="ann@example.org")
        assert status(comment(post), PROVEN, comment_policy=OPEN) == Status.PENDING

    def test_spam_is_worse_than_waiting_in_any_order(self, post: Post) -> None:
        block("hello")
        block("ann", "name", "hold")
        judgement = judge(comment(post), CommentSettings(), Arrival(closed=True, trapped=True))
        assert judgement.status == Status.SPAM
        assert [(reason["check"], reason["verdict"]) for reason in judgement.reasons] == [
            ("closed", "hold"),
            ("honeypot", "spam"),
            ("blocked", "spam"),
            ("held", "hold"),
        ]

    def test_a_proof_never_lowers(self, post: Post) -> None:
        order = [Status.SPAM, Status.PENDING, Status.APPROVED]
        for count in (Count(1, 1), Count(11, 11), Count(99, 99)):
            for policy in CommentPolicy:
                with_it, without = (
                    status(comment(post), Arrival(count=count, proven=proven), comment_policy=policy)
                    for proven in (True, False)
                )
                assert order.index(with_it) >= order.index(without)


class TestReasons:
    def test_they_are_stored_with_the_comment_in_the_language_of_the_site(self, post: Post) -> None:
        block("hello")
        with translation.override("de"):
            sent = submit(post, text="Hello.", name="Ann", email="ann@example.org", settings=CommentSettings())
        sent.refresh_from_db()
        assert sent.status == Status.SPAM
        assert sent.reasons == [{"check": "blocked", "verdict": "spam", "message": "It matches the blocklist: hello."}]

    def test_without_an_objection_there_is_none(self, post: Post) -> None:
        assert (
            submit(post, text="Hello.", name="Ann", email="ann@example.org", settings=CommentSettings()).reasons == []
        )


class TestQueries:
    def test_a_stranger_s_comment_takes_few_however_much_is_blocked_and_learnt(self, post: Post) -> None:
        Block.objects.bulk_create(Block(kind="word", text=f"w{n}", key=f" w{n} ", start=f"w{n}") for n in range(2_000))
        teach_spam(SPAMMY)

        def send(text: str) -> int:
            with CaptureQueriesContext(connection) as seen:
                submit(post, text=text, name="Ann", email="ann@example.org", sender="x", settings=CommentSettings())
            return len(seen)

        # Counted, forgotten (the first of a period), lock and same words, blocks, filter, account, known, stored, told
        # of; the savepoint is of the test.
        assert send("First.") == 12
        assert send("Second, longer, http://a.example " + "word " * 300) == 11
