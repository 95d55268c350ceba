"""The rules for new comments: each check, all of them together, and the site's policy."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import User
from blog.models import Post
from comments.models import Block, Comment, CommentPolicy, CommentSettings, Token
from comments.models import CommentStatus as Status
from comments.moderation.submission import submit
from comments.rules.bayes import MIN_LESSONS
from comments.rules.judge import CHECKS, Arrival, Case, Finding, Verdict, judge
from comments.rules.rate_limit import Count
from tests.factories import CommentFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

HOLD, KNOWN, OPEN = CommentPolicy.HOLD, CommentPolicy.TRUST_KNOWN, CommentPolicy.OPEN
PROVEN = Arrival(proven=True)


@pytest.fixture
def post() -> Any:
    return PostFactory.create()


def new_comment(post: Post, **fields: Any) -> Comment:
    comment = Comment(entry=post, **{"name": "Ann", "email": "ann@example.org", "text": "Hello.", **fields})
    comment.render()
    return comment


def run(check: str, comment: Comment, arrival: Arrival | None = None, **settings: Any) -> Finding | None:
    return CHECKS[check](Case(comment, CommentSettings(**settings), arrival or Arrival()))


def verdict(check: str, comment: Comment, arrival: Arrival | None = None, **settings: Any) -> Verdict | None:
    finding = run(check, comment, arrival, **settings)
    return finding.verdict if finding else None


def status(comment: Comment, arrival: Arrival | None = None, **settings: Any) -> Status:
    return judge(comment, CommentSettings(**settings), arrival or Arrival()).status


def block(text: str, kind: str = "word", verdict: str = "spam") -> Block:
    return Block.objects.create(text=text, kind=kind, verdict=verdict)


def teach_spam(words: str) -> None:
    """Teach the filter that all of these words only occur in spam."""
    Token.objects.create(text="", ham=MIN_LESSONS, spam=MIN_LESSONS)
    Token.objects.bulk_create(Token(text=word, spam=MIN_LESSONS) for word in words.split())


SPAMMY = "casino jackpot bonus spins payout slots betting roulette deposit winner"


class TestChecks:
    @pytest.mark.parametrize("check", CHECKS)
    def test_no_check_objects_to_a_harmless_comment(self, check: str, post: Post) -> None:
        assert run(check, new_comment(post)) is None

    def test_closed(self, post: Post) -> None:
        assert verdict("closed", new_comment(post), Arrival(closed=True)) == Verdict.HOLD

    def test_honeypot(self, post: Post) -> None:
        assert verdict("honeypot", new_comment(post), Arrival(trapped=True)) == Verdict.SPAM

    @pytest.mark.parametrize(
        ("count", "proven", "expected"),
        [
            (Count(10, 10), False, None),
            (Count(11, 11), False, Verdict.HOLD),
            (Count(9_999, 9_999), False, Verdict.HOLD),
            (Count(9_999, 9_999), True, Verdict.HOLD),
            (Count(1, 50), False, None),
            (Count(1, 51), True, Verdict.HOLD),
        ],
    )
    def test_flood(self, count: Count, proven: bool, expected: Verdict | None, post: Post) -> None:
        arrival = Arrival(count=count, proven=proven)
        assert verdict("flood", new_comment(post), arrival, comments_per_sender=10, comments_per_site=50) == expected

    def test_flood_without_limits(self, post: Post) -> None:
        arrival = Arrival(count=Count(9_999, 9_999))
        assert verdict("flood", new_comment(post), arrival, comments_per_sender=0, comments_per_site=0) is None

    def test_duplicate(self, post: Post) -> None:
        assert verdict("duplicate", new_comment(post), Arrival(repeated=True)) == Verdict.HOLD

    @pytest.mark.parametrize(
        ("kind", "text", "fields"),
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
    def test_blocked_and_held(self, kind: str, text: str, fields: dict[str, str], post: Post) -> None:
        entry = block(text, kind)
        assert verdict("blocked", new_comment(post, **fields)) == Verdict.SPAM
        assert run("held", new_comment(post, **fields)) is None
        entry.verdict = "hold"
        entry.save()
        assert verdict("held", new_comment(post, **fields)) == Verdict.HOLD
        assert run("blocked", new_comment(post, **fields)) is None

    @pytest.mark.parametrize(
        ("kind", "text", "fields"),
        [
            ("word", "press", {"text": "I use WordPress."}),
            ("name", "Ann", {"name": "Anna"}),
            ("name", "Bo", {"text": "Bo was here"}),
            ("email", "n@example.org", {}),
            ("host", "ad.example", {"text": "http://bad.example"}),
            ("host", "shop.bad.example", {"text": "http://bad.example"}),
        ],
    )
    def test_these_are_not_blocked(self, kind: str, text: str, fields: dict[str, str], post: Post) -> None:
        block(text, kind)
        assert run("blocked", new_comment(post, **fields)) is None

    def test_the_reason_names_the_blocks(self, post: Post) -> None:
        block("Casino")
        block("bad.example", "host")
        finding = run("blocked", new_comment(post, text="casino http://bad.example"))
        assert finding is not None
        assert finding.message == "It matches the blocklist: Casino, bad.example."

    @pytest.mark.parametrize(("allowed", "expected"), [(0, Verdict.HOLD), (1, Verdict.HOLD), (2, None)])
    def test_links(self, allowed: int, expected: Verdict | None, post: Post) -> None:
        two = new_comment(post, text="http://a.example and www.b.example")
        assert verdict("links", two, links_allowed=allowed) == expected

    def test_comments_with_two_links_are_held_as_in_wordpress(self, post: Post) -> None:
        assert verdict("links", new_comment(post, text="http://a.example")) is None
        assert verdict("links", new_comment(post, text="http://a.example http://b.example")) == Verdict.HOLD

    def test_spam_filter(self, post: Post) -> None:
        teach_spam(SPAMMY)
        finding = run("spam_filter", new_comment(post, text=f"{SPAMMY} at http://x.example"))
        assert finding is not None
        assert finding.verdict == Verdict.SPAM
        assert "betting" in finding.message

    def test_the_filter_only_holds_comments_without_a_host(self, post: Post) -> None:
        teach_spam(SPAMMY)
        assert verdict("spam_filter", new_comment(post, text=SPAMMY)) == Verdict.HOLD

    def test_the_filter_only_holds_comments_by_known_people(self, post: Post) -> None:
        teach_spam(SPAMMY)
        CommentFactory.create(name="Ann", email="ann@example.org")
        assert verdict("spam_filter", new_comment(post, text=f"{SPAMMY} http://x.example")) == Verdict.HOLD

    def test_akismet(self, post: Post) -> None:
        finding = Finding(Verdict.SPAM, "…")
        assert run("akismet", new_comment(post), Arrival(akismet=finding)) == finding

    def test_using_the_address_of_an_account_is_held(self, post: Post) -> None:
        user = UserFactory.create(email="Ann@Example.org")
        assert verdict("impostor", new_comment(post)) == Verdict.HOLD
        assert run("impostor", new_comment(post, user=user)) is None
        assert run("impostor", new_comment(post, email="")) is None

    @pytest.mark.parametrize("name", ["Amina Saïd", "AMINA  S\u200bAID", "Amina Said (editor)", "\u0410min\u0430 Sa1d"])
    def test_using_the_name_of_an_account_is_held(self, post: Post, name: str) -> None:
        user = UserFactory.create(display_name="Amina Saïd")
        assert verdict("impostor", new_comment(post, name=name)) == Verdict.HOLD
        assert run("impostor", new_comment(post, name=name, user=user)) is None
        # Moderators have approved that this person has this name.
        CommentFactory.create(name=name, email="ann@example.org")
        assert run("impostor", new_comment(post, name=name)) is None

    def test_names_that_only_resemble_that_of_an_account_are_not_held(self, post: Post) -> None:
        UserFactory.create(display_name="Amina Saïd")
        UserFactory.create(display_name="Omar")
        UserFactory.create(display_name="")
        for name in ("Amina", "Amina Saidi", "Said Amina", "Omar Aziz", "🎉"):
            assert run("impostor", new_comment(post, name=name)) is None

    def test_trust(self, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        moderator = UserFactory.create(role="Moderator")
        assert verdict("trust", new_comment(post)) == Verdict.KNOWN
        assert verdict("trust", new_comment(post, user=moderator)) == Verdict.STAFF
        assert run("trust", new_comment(post, user=UserFactory.create(role="Author"))) is None

    def test_proof_of_work(self, post: Post) -> None:
        assert verdict("proof_of_work", new_comment(post), PROVEN) == Verdict.PROVEN
        assert verdict("proof_of_work", new_comment(post, user=UserFactory.create())) == Verdict.PROVEN


class TestPolicy:
    @pytest.mark.parametrize(
        ("policy", "known", "proven", "proof_of_work", "expected"),
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
    def test_the_policy_decides_if_no_check_objects(
        self, policy: CommentPolicy, known: bool, proven: bool, proof_of_work: bool, expected: Status, post: Post
    ) -> None:
        if known:
            CommentFactory.create(name="Ann", email="ann@example.org")
        assert (
            status(new_comment(post), Arrival(proven=proven), comment_policy=policy, proof_of_work=proof_of_work)
            == expected
        )

    def test_the_first_comment_is_held_and_passes_once_one_was_approved(self, post: Post) -> None:
        assert status(new_comment(post), comment_policy=KNOWN) == Status.PENDING
        CommentFactory.create(name="Ann", email="ann@example.org", status=Status.PENDING)
        assert status(new_comment(post), comment_policy=KNOWN) == Status.PENDING
        Comment.objects.update(status=Status.APPROVED)
        assert status(new_comment(post), comment_policy=KNOWN) == Status.APPROVED

    @pytest.mark.parametrize("policy", list(CommentPolicy))
    def test_moderators_always_pass(self, policy: CommentPolicy, post: Post) -> None:
        moderator = User.objects.get(pk=UserFactory.create(role="Moderator").pk)
        block("hello")
        arrival = Arrival(closed=True, trapped=True, count=Count(999, 999), repeated=True)
        judgement = judge(new_comment(post, user=moderator), CommentSettings(comment_policy=policy), arrival)
        assert judgement.status == Status.APPROVED
        assert [reason["check"] for reason in judgement.reasons] == ["trust"]


class TestWorstVerdict:
    ARRIVALS = {
        "closed": (Arrival(closed=True, proven=True), Status.PENDING),
        "honeypot": (Arrival(trapped=True, proven=True), Status.SPAM),
        "flood": (Arrival(count=Count(11, 11), proven=True), Status.PENDING),
        "duplicate": (Arrival(repeated=True, proven=True), Status.PENDING),
        "akismet": (Arrival(akismet=Finding(Verdict.SPAM, "…"), proven=True), Status.SPAM),
    }

    @pytest.mark.parametrize("check", ARRIVALS)
    def test_trust_and_proof_do_not_override_how_a_comment_arrived(self, check: str, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        arrival, expected = self.ARRIVALS[check]
        judgement = judge(new_comment(post), CommentSettings(comment_policy=OPEN), arrival)
        assert judgement.status == expected
        assert [reason["check"] for reason in judgement.reasons] == [check, "trust", "proof_of_work"]

    @pytest.mark.parametrize(("kind", "expected"), [("spam", Status.SPAM), ("hold", Status.PENDING)])
    def test_they_do_not_override_blocks(self, kind: str, expected: Status, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        block("hello", verdict=kind)
        assert status(new_comment(post), PROVEN, comment_policy=OPEN) == expected

    def test_a_flood_is_spam_only_if_another_rule_says_so(self, post: Post) -> None:
        arrival = Arrival(count=Count(9_999, 9_999))
        assert status(new_comment(post), arrival, comment_policy=OPEN) == Status.PENDING
        block("hello")
        assert status(new_comment(post), arrival, comment_policy=OPEN) == Status.SPAM

    def test_they_do_not_override_the_number_of_links(self, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        assert (
            status(new_comment(post, text="www.a.example www.b.example"), PROVEN, comment_policy=OPEN) == Status.PENDING
        )

    def test_trust_does_not_override_the_address_of_an_account(self, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        UserFactory.create(email="ann@example.org")
        assert status(new_comment(post), PROVEN, comment_policy=CommentPolicy.TRUST_KNOWN) == Status.PENDING

    def test_where_everyone_passes_no_one_finds_out_which_addresses_have_accounts(self, post: Post) -> None:
        UserFactory.create(email="ann@example.org")
        assert status(new_comment(post), PROVEN, comment_policy=OPEN) == Status.APPROVED

    def test_spam_overrides_hold_in_any_order(self, post: Post) -> None:
        block("hello")
        block("ann", "name", "hold")
        judgement = judge(new_comment(post), CommentSettings(), Arrival(closed=True, trapped=True))
        assert judgement.status == Status.SPAM
        assert [(reason["check"], reason["verdict"]) for reason in judgement.reasons] == [
            ("closed", "hold"),
            ("honeypot", "spam"),
            ("blocked", "spam"),
            ("held", "hold"),
        ]

    def test_a_proof_of_work_never_makes_it_worse(self, post: Post) -> None:
        order = [Status.SPAM, Status.PENDING, Status.APPROVED]
        for count in (Count(1, 1), Count(11, 11), Count(99, 99)):
            for policy in CommentPolicy:
                with_proof, without = (
                    status(new_comment(post), Arrival(count=count, proven=proven), comment_policy=policy)
                    for proven in (True, False)
                )
                assert order.index(with_proof) >= order.index(without)


class TestReasons:
    def test_they_are_stored_in_the_language_of_the_site(self, post: Post) -> None:
        block("hello")
        with translation.override("de"):
            sent = submit(post, text="Hello.", name="Ann", email="ann@example.org", settings=CommentSettings())
        sent.refresh_from_db()
        assert sent.status == Status.SPAM
        assert sent.reasons == [{"check": "blocked", "verdict": "spam", "message": "It matches the blocklist: hello."}]

    def test_there_are_none_without_a_finding(self, post: Post) -> None:
        assert (
            submit(post, text="Hello.", name="Ann", email="ann@example.org", settings=CommentSettings()).reasons == []
        )


class TestQueries:
    def test_their_number_does_not_grow_with_blocks_and_tokens(self, post: Post) -> None:
        Block.objects.bulk_create(Block(kind="word", text=f"w{n}", key=f" w{n} ", start=f"w{n}") for n in range(2_000))
        teach_spam(SPAMMY)

        def send(text: str) -> int:
            with CaptureQueriesContext(connection) as seen:
                submit(post, text=text, name="Ann", email="ann@example.org", sender="x", settings=CommentSettings())
            return len(seen)

        # Count, delete old counts (only once per period), lock, same text, blocks, filter, account, known, insert,
        # and one for the search index, which doesn't have it yet; the savepoint is due to the test.
        assert send("First.") == 13
        assert send("Second, longer, http://a.example " + "word " * 300) == 12

    def test_a_published_comment_takes_this_many_from_submission_to_redirect(self, post: Post, client: Client) -> None:
        settings = CommentSettings.current()
        settings.comment_policy, settings.proof_of_work = CommentPolicy.OPEN, False
        settings.save()

        def send(text: str) -> int:
            with CaptureQueriesContext(connection) as seen:
                form = {"name": "Ann", "email": "ann@example.org", "text": text}
                assert client.post(f"/comments/on/post/{post.pk}/", form).status_code == 302
            return len(seen)

        # The first one of a period deletes the counts of earlier ones.
        send("First.")
        # The entry, the settings and the rate limit; the lock and what the rules look at (five); the comment, the
        # content version and its document in the index of the search (three); one for the count; and where the
        # transaction begins and ends.
        assert send("Second.") == 17
        assert Comment.objects.approved().count() == 2
