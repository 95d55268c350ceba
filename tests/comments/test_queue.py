"""The moderators' desk: everything works without JavaScript, and the script asks the same addresses."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from lxml import html

from accounts.models import User
from blog.models import Post
from comments.models import Block, Comment, CommentSettings, Decision
from comments.models import CommentStatus as Status
from comments.moderation import decisions, queue
from comments.moderation.decisions import approve, mark_spam
from comments.moderation.self_service import revise
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import is_refused, log_in
from tests.factories.comments import status
from tests.factories.responses import find, message, one, read, text

pytestmark = pytest.mark.django_db

QUEUE = "/admin/comments/queue/"
DECIDE = f"{QUEUE}decide/"
ALIKE = f"{QUEUE}similar/"
STATISTICS = f"{QUEUE}statistics/"
JSON = {"Accept": "application/json"}
MODERATORS = {"Editor", "Moderator", "superuser"}
ROLES = ["anonymous", "reader", "Author", "viewer", "Editor", "Moderator", "superuser"]


def waiting(**more: Any) -> Comment:
    comment: Comment = CommentFactory.create(**{"status": Status.PENDING, **more})
    return comment


def seen(*comments: Comment) -> list[str]:
    return [f"{comment.pk}:{comment.mark}" for comment in comments]


def rows(page: html.HtmlElement) -> list[str]:
    """The names in the queue, in order."""
    return [text(name) for name in find(page, ".queue-comment .about strong")]


def press(client: Client, page: html.HtmlElement, value: str, **typed: str) -> Any:
    """Press the button of this value, as a browser without JavaScript does."""
    form = one(page, "#queue-form")
    return client.post(form.get("action"), {**dict(form.form_values()), "decide": value, **typed}, follow=True)


class TestWhoMayEnter:
    @pytest.mark.parametrize("path", [QUEUE, ALIKE, f"{ALIKE}?kind=name&text=Zoe", STATISTICS])
    @pytest.mark.parametrize("who", ROLES)
    def test_pages(self, who: str, path: str, client: Client) -> None:
        log_in(client, who)
        assert is_refused(client.get(path)) is (who not in MODERATORS)

    @pytest.mark.parametrize("decision", ["approve", "spam", "trash", "reply"])
    @pytest.mark.parametrize("who", ROLES)
    def test_deciding(self, who: str, decision: str, client: Client) -> None:
        comment = waiting()
        log_in(client, who)
        sent = {"decide": f"{decision} {comment.pk}", f"reply-{comment.pk}": "Thank you."}
        assert is_refused(client.post(DECIDE, sent)) is (who not in MODERATORS)
        assert (status(comment) == Status.PENDING) is (who not in MODERATORS)
        assert Comment.objects.count() == 1 + (decision == "reply" and who in MODERATORS)

    @pytest.mark.parametrize("who", ROLES)
    def test_editing(self, who: str, client: Client) -> None:
        comment = waiting(text="Before")
        log_in(client, who)
        client.post(DECIDE, {"decide": f"edit {comment.pk}", f"edit-{comment.pk}": "After"})
        comment.refresh_from_db()
        assert comment.text == ("After" if who in MODERATORS else "Before")

    @pytest.mark.parametrize("who", ROLES)
    def test_undoing(self, who: str, client: Client) -> None:
        comment = waiting()
        batch = approve([comment], UserFactory.create()).batch
        log_in(client, who)
        client.post(reverse("admin:comments_queue_undo", args=[batch]))
        assert (status(comment) == Status.PENDING) is (who in MODERATORS)

    @pytest.mark.parametrize("who", ROLES)
    def test_blocking(self, who: str, client: Client) -> None:
        log_in(client, who)
        client.post(f"{ALIKE}?kind=host&text=spam.example", {"verdict": "spam"})
        assert Block.objects.exists() is (who in MODERATORS)

    def test_moderating_alone_neither_edits_nor_blocks(self, client: Client, moderator: User) -> None:
        moderator.groups.clear()
        moderator.user_permissions.set([Permission.objects.get(codename="moderate_comment")])
        comment = waiting(text="Before")
        page = read(client.get(QUEUE))
        assert find(page, "details.edit") == []
        assert client.post(DECIDE, {"decide": f"edit {comment.pk}", f"edit-{comment.pk}": "x"}).status_code == 403
        assert client.post(f"{ALIKE}?kind=word&text=x", {"verdict": "spam"}).status_code == 403
        assert press(client, page, f"approve {comment.pk}").status_code == 200
        assert status(comment) == Status.APPROVED

    def test_nothing_happens_by_following_a_link(self, client: Client, moderator: User) -> None:
        batch = approve([waiting()], moderator).batch
        assert client.get(DECIDE).status_code == 405
        assert client.get(reverse("admin:comments_queue_undo", args=[batch])).status_code == 405

    def test_a_token_is_asked_for(self, moderator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(moderator)
        comment = waiting()
        batch = approve([waiting()], moderator).batch
        for path in (DECIDE, reverse("admin:comments_queue_undo", args=[batch]), f"{ALIKE}?kind=word&text=x"):
            assert client.post(path, {"decide": f"spam {comment.pk}", "verdict": "spam"}).status_code == 403
        press(client, read(client.get(QUEUE)), f"spam {comment.pk}")
        assert status(comment) == Status.SPAM


class TestPage:
    def test_who_waits_longest_comes_first(self, client: Client, moderator: User) -> None:
        now = timezone.now()
        for name, days in (("B", 2), ("A", 3), ("C", 1)):
            waiting(name=name, created_at=now - dt.timedelta(days=days))
        assert rows(read(client.get(QUEUE))) == ["A", "B", "C"]

    def test_a_row_has_all_that_is_needed_to_decide(self, client: Client, moderator: User) -> None:
        post = PostFactory.create(title="A post")
        parent = CommentFactory.create(entry=post, name="Jan")
        waiting(
            entry=post,
            parent=parent,
            name="Zoë",
            email="zoe@example.org",
            website="https://zoe.example/",
            text="Line one\nline two",
            created_at=timezone.now() - dt.timedelta(hours=3),
            reasons=[{"check": "links", "verdict": "hold", "message": "It has 5 links."}],
        )
        row = text(one(read(client.get(QUEUE)), "li.queue-comment"))
        for words in ("Zoë", "zoe@example.org", "https://zoe.example/", "Line one line two", "reply to Jan on A post"):
            assert words in row
        assert "3 hours ago" in row
        assert "It has 5 links." in row
        assert "first comment" in row

    def test_the_history_of_its_author_is_by_address_and_without_one_by_name(
        self, client: Client, moderator: User
    ) -> None:
        for state in (Status.APPROVED, Status.APPROVED, Status.SPAM):
            CommentFactory.create(name="Zoë", email="zoe@example.org", status=state)
        CommentFactory.create(name="Jan", email="", status=Status.APPROVED)
        # The name alone is everybody's.
        CommentFactory.create(name="Zoë", email="other@example.org", status=Status.SPAM)
        waiting(name="Zoë", email="zoe@example.org")
        waiting(name="Jan", email="")
        histories = [text(found) for found in find(read(client.get(QUEUE)), ".history")]
        assert histories == ["2 approved 1 spam", "1 approved"]

    @pytest.mark.parametrize("length", [queue.MAX_FULL_LENGTH, queue.MAX_FULL_LENGTH + 1, 20_000])
    @pytest.mark.parametrize("pattern", ["word ", "x", "كلمة "])
    def test_a_long_text_is_there_to_the_last_sign(
        self, length: int, pattern: str, client: Client, moderator: User
    ) -> None:
        whole = (pattern * length)[:length]
        waiting(text=whole)
        row = one(read(client.get(QUEUE)), "li.queue-comment")
        shown = [part.text_content() for part in find(row, ".text")]
        assert "".join(shown) == whole
        assert len(shown[0]) <= queue.MAX_FULL_LENGTH

    def test_markup_is_shown_and_never_read_as_such(self, client: Client, moderator: User) -> None:
        hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
        post = PostFactory.create(title=hostile)
        parent = waiting(entry=post, name=hostile)
        reasons = [{"check": "x", "verdict": "hold\" onclick='x", "message": hostile}]
        for is_html in (True, False):
            waiting(
                entry=post, parent=parent, name=hostile, text=hostile, website=hostile, reasons=reasons, is_html=is_html
            )
        page = read(client.get(QUEUE))
        assert text(find(page, ".about strong")[1]) == hostile
        assert [script for script in find(page, "script") if not script.get("src")] == []
        assert find(page, "img") == []
        assert page.xpath("//@onclick | //@onerror | //@style") == []

    def test_an_arabic_text_runs_its_own_way(self, client: Client, moderator: User) -> None:
        waiting(text="تحية من بيروت", name="ليلى")
        page = read(client.get(QUEUE))
        assert find(page, ".text")[0].get("dir") == "auto"
        assert [text(name) for name in find(page, ".about strong bdi")] == ["ليلى"]

    @pytest.mark.parametrize("state", [Status.SPAM, Status.TRASH, Status.APPROVED])
    def test_what_is_decided_is_there_too_the_newest_first(
        self, state: Status, client: Client, moderator: User
    ) -> None:
        for name in "AB":
            CommentFactory.create(status=state, name=name)
        waiting(name="C")
        page = read(client.get(f"{QUEUE}?status={state}"))
        assert rows(page) == ["B", "A"]
        assert text(one(page, "nav.queue-nav [aria-current=page]")).startswith(str(state.label))

    def test_an_empty_queue_says_thank_you(self, client: Client, moderator: User) -> None:
        page = read(client.get(QUEUE))
        assert one(page, "#empty").get("hidden") is None
        assert text(one(page, "#empty")) == "No comments are pending."

    def test_pages_of_it_hold_each_comment_once(self, client: Client, moderator: User) -> None:
        moment = timezone.now()
        for number in range(60):
            waiting(name=f"N{number}", created_at=moment)
        names: list[str] = []
        path = QUEUE
        while path:
            page = read(client.get(path))
            names += rows(page)
            later = find(page, "#next-page")
            path = QUEUE + later[0].get("href") if later else ""
        assert names == [f"N{number}" for number in range(60)]

    @pytest.mark.parametrize("after", ["x", "_", "2020-01-01_1", "2020-01-01T00:00:00+00:00_x", "\0", "9" * 5000])
    def test_addresses_that_nobody_gave_out_are_not_found(self, after: str, client: Client, moderator: User) -> None:
        assert client.get(QUEUE, {"after": after}).status_code == 404

    @pytest.mark.parametrize("query", ["status=nothing", "review=x", "review=-1", "review=999999"])
    def test_other_nonsense_is_left_out(self, query: str, client: Client, moderator: User) -> None:
        assert client.get(f"{QUEUE}?{query}").status_code == 200

    @pytest.mark.parametrize("number", [3, 60])
    def test_it_takes_at_most_ten_queries_whatever_waits(self, number: int, client: Client, moderator: User) -> None:
        for count in range(number):
            entry = {"entry": PageFactory.create()} if count % 3 == 0 else {"entry": PostFactory.create()}
            parent = CommentFactory.create(**entry, user=UserFactory.create(), name="")
            waiting(**entry, parent=parent, user=UserFactory.create() if count % 2 else None, name="")
        with CaptureQueriesContext(connection) as done:
            page = read(client.get(QUEUE))
        assert len(find(page, ".queue-comment")) == min(number, queue.PER_PAGE)
        assert len(done) <= 10


class TestDecidingWithoutJavaScript:
    @pytest.mark.parametrize(
        ("move", "becomes", "words"),
        [
            ("approve", Status.APPROVED, "1 comment approved."),
            ("spam", Status.SPAM, "1 comment marked as spam."),
            ("trash", Status.TRASH, "1 comment moved to the trash."),
        ],
    )
    def test_one(self, move: str, becomes: Status, words: str, client: Client, moderator: User) -> None:
        comment, other = waiting(), waiting(name="Other")
        response = press(client, read(client.get(QUEUE)), f"{move} {comment.pk}")
        assert message(response) == words
        assert rows(read(response)) == ["Other"]
        assert (status(comment), status(other)) == (becomes, Status.PENDING)
        decision = Decision.objects.get()
        assert (decision.moderator, decision.was, decision.became) == (moderator, Status.PENDING, becomes)

    def test_all_that_are_ticked(self, client: Client, moderator: User) -> None:
        comments = [waiting() for _ in range(3)]
        page = read(client.get(QUEUE))
        for box in find(page, "label.select input")[:2]:
            box.checked = True
        form = one(page, "#queue-form")
        sent: dict[str, Any] = {"decide": "spam"}
        for name, value in form.form_values():
            sent.setdefault(name, []).append(value)
        assert message(client.post(form.get("action"), sent, follow=True)) == "2 comments marked as spam."
        assert [status(comment) for comment in comments] == [Status.SPAM, Status.SPAM, Status.PENDING]

    def test_with_nothing_ticked_nothing_happens(self, client: Client, moderator: User) -> None:
        comment = waiting()
        assert message(press(client, read(client.get(QUEUE)), "spam")) == "No comments were changed."
        assert status(comment) == Status.PENDING

    def test_the_enter_key_decides_nothing(self, client: Client, moderator: User) -> None:
        waiting()
        first = one(read(client.get(QUEUE)), "#queue-form").xpath(".//button")[0]
        assert first.get("disabled") is not None

    @pytest.mark.parametrize(
        "decide", ["", "x", "approve x", "edit", "reply 0", "approve 99999999999999999999999", "\0"]
    )
    def test_nonsense_is_no_error(self, decide: str, client: Client, moderator: User) -> None:
        assert message(client.post(DECIDE, {"decide": decide}, follow=True)) == "No comments were changed."

    def test_one_comes_back_to_where_it_was_decided(self, client: Client, moderator: User) -> None:
        for _ in range(30):
            waiting()
        page = read(client.get(QUEUE))
        second = read(client.get(QUEUE + one(page, "#next-page").get("href")))
        value = find(second, "button.spam")[0].get("value")
        response = press(client, second, value)
        assert response.redirect_chain[0][0].startswith(f"{QUEUE}?status=pending&after=")
        assert len(rows(read(response))) == 4

    def test_undo_takes_it_back_and_can_be_undone(self, client: Client, moderator: User) -> None:
        comment = waiting()
        decided = press(client, read(client.get(QUEUE)), f"spam {comment.pk}")
        for expected in (Status.PENDING, Status.SPAM):
            button = one(read(decided), ".messagelist form.undo")
            decided = client.post(button.get("action"), dict(button.form_values()), follow=True)
            assert status(comment) == expected
        assert decided.redirect_chain == [(f"{QUEUE}?status=pending", 302)]


class TestTwoAtOnce:
    def test_the_second_is_told_sees_it_as_it_is_now_and_may_still_decide(
        self, client: Client, moderator: User
    ) -> None:
        comment = waiting()
        page = read(client.get(QUEUE))
        approve([comment], UserFactory.create(display_name="Anna"))
        response = press(client, page, f"spam {comment.pk}")
        assert "Anna approved it 1 second ago." in message(response)
        assert status(comment) == Status.APPROVED
        row = one(read(response), ".to-review li.queue-comment")
        assert text(one(row, ".note")) == "Anna approved it 1 second ago."
        assert [text(button) for button in find(row, "button.decide")] == ["Spam", "Trash"]
        press(client, read(response), f"spam {comment.pk}")
        assert status(comment) == Status.SPAM

    def test_a_text_that_its_sender_changed_meanwhile_is_not_approved_unread(
        self, client: Client, moderator: User
    ) -> None:
        comment = waiting(created_at=timezone.now())
        page = read(client.get(QUEUE))
        revise(comment, "Buy pills", settings=CommentSettings())
        response = press(client, page, f"approve {comment.pk}")
        assert status(comment) == Status.PENDING
        row = one(read(response), ".to-review li.queue-comment")
        assert text(one(row, ".note")) == "Its author changed the text 1 second ago."
        assert text(one(row, ".text")) == "Buy pills"

    def test_the_others_of_a_selection_are_decided(self, client: Client, moderator: User) -> None:
        comments = [waiting() for _ in range(3)]
        sent = {"decide": "trash", "comment": [comment.pk for comment in comments], "seen": seen(*comments)}
        mark_spam(comments[:1], UserFactory.create(display_name="Anna"))
        answer = client.post(DECIDE, sent, headers=JSON).json()
        assert [status(comment) for comment in comments] == [Status.SPAM, Status.TRASH, Status.TRASH]
        assert answer["gone"] == [comment.pk for comment in comments[1:]]
        assert list(answer["rows"]) == [str(comments[0].pk)]

    def test_a_reply_to_what_another_removed_is_not_published_and_not_lost(
        self, client: Client, moderator: User
    ) -> None:
        comment = waiting()
        page = read(client.get(QUEUE))
        mark_spam([comment], UserFactory.create(display_name="Anna"))
        response = press(client, page, f"reply {comment.pk}", **{f"reply-{comment.pk}": "Dear you"})
        row = one(read(response), ".to-review li.queue-comment")
        assert "Anna marked it as spam" in text(one(row, ".reply .errornote"))
        assert one(row, ".reply textarea").value == "Dear you"
        assert Comment.objects.count() == 1

    @pytest.mark.parametrize("name", ["reply", "edit"])
    def test_what_was_typed_about_a_deleted_one_is_given_back(self, client: Client, moderator: User, name: str) -> None:
        comment = waiting()
        page = read(client.get(QUEUE))
        Comment.objects.all().delete()
        response = press(client, page, f"{name} {comment.pk}", **{f"{name}-{comment.pk}": "Dear you"})
        assert "has been deleted" in text(read(response))
        assert "Dear you" in text(read(response))

    def test_a_reply_that_a_deletion_overtakes_does_not_stand_by_itself(self, moderator: User) -> None:
        comment = waiting()
        Comment.objects.all().delete()
        with pytest.raises(Comment.DoesNotExist):
            decisions.reply(comment, "Dear you", moderator, settings=CommentSettings())
        assert not Comment.objects.exists()

    def test_nor_is_a_text_overwritten(self, client: Client, moderator: User) -> None:
        comment = waiting(created_at=timezone.now())
        page = read(client.get(QUEUE))
        revise(comment, "Theirs", settings=CommentSettings())
        response = press(client, page, f"edit {comment.pk}", **{f"edit-{comment.pk}": "Mine"})
        row = one(read(response), ".to-review li.queue-comment")
        assert one(row, ".edit textarea").value == "Mine"
        assert text(one(row, ".text")) == "Theirs"


class TestReplying:
    def reply(self, client: Client, comment: Comment, words: str = "Thank you.") -> Any:
        return press(
            client, read(client.get(f"{QUEUE}?status={comment.status}")), f"reply {comment.pk}",
            **{f"reply-{comment.pk}": words},
        )  # fmt: skip

    @pytest.mark.parametrize("state", [Status.PENDING, Status.SPAM, Status.APPROVED])
    def test_it_approves_and_stands_below_under_the_moderator_s_name(
        self, state: Status, client: Client, moderator: User
    ) -> None:
        comment = waiting(status=state)
        assert message(self.reply(client, comment)) == "Comment approved and reply published."
        reply = Comment.objects.exclude(pk=comment.pk).get()
        assert (reply.parent, reply.user, reply.status, reply.entry) == (
            comment, moderator, Status.APPROVED, comment.entry
        )  # fmt: skip
        assert status(comment) == Status.APPROVED
        assert Post.objects.get().comment_count == 2 or state == Status.APPROVED

    def test_undo_takes_both_back(self, client: Client, moderator: User) -> None:
        comment = waiting()
        response = self.reply(client, comment)
        button = one(read(response), ".messagelist form.undo")
        client.post(button.get("action"), dict(button.form_values()))
        assert set(Comment.objects.values_list("status", flat=True)) == {Status.PENDING}
        assert Post.objects.get().comment_count == 0
        self.reply(client, comment)
        assert set(Comment.objects.values_list("status", flat=True)) == {Status.APPROVED}
        assert Comment.objects.count() == 2

    @pytest.mark.parametrize("words", ["", "  \n", "\u200b", "x" * 20_001])
    def test_what_is_no_reply_is_given_back_and_approves_nothing(
        self, words: str, client: Client, moderator: User
    ) -> None:
        comment = waiting()
        page = read(self.reply(client, comment, words))
        assert one(page, ".to-review .errornote").getparent().get("class") == "panel reply"
        assert status(comment) == Status.PENDING
        assert Comment.objects.count() == 1

    def test_what_was_too_long_is_still_there(self, client: Client, moderator: User) -> None:
        comment = waiting()
        words = "x" * 20_001
        page = read(self.reply(client, comment, words))
        assert one(page, ".reply .errornote").text_content().startswith("This has 20001 characters")
        assert one(page, f"#reply-{comment.pk}").value == words


class TestEditing:
    def test_the_original_is_kept_and_readers_are_told(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(text="Before", entry__comment_count=1)
        page = read(client.get(f"{QUEUE}?status=approved"))
        press(client, page, f"edit {comment.pk}", **{f"edit-{comment.pk}": "After"})
        revision = comment.revisions.get()
        assert (revision.text, revision.by) == ("Before", moderator)
        shown = read(Client().get(comment.entry.get_absolute_url()))
        assert text(one(shown, ".comment-edited")).startswith("Edited by a moderator")

    def test_the_same_text_again_changes_nothing(self, client: Client, moderator: User) -> None:
        comment = waiting(text="Before\n\nall")
        page = read(client.get(QUEUE))
        press(client, page, f"edit {comment.pk}", **{f"edit-{comment.pk}": "Before\r\n\r\nall"})
        assert not comment.revisions.exists()


class TestForTheScript:
    def test_it_gets_words_a_way_back_and_what_leaves(self, client: Client, moderator: User) -> None:
        comment = waiting()
        sent = {"decide": "approve", "comment": comment.pk, "seen": seen(comment)}
        answer = client.post(DECIDE, sent, headers=JSON).json()
        batch = Decision.objects.get().batch
        undo = f"{QUEUE}undo/{batch}/?status=pending"
        assert answer == {
            "message": "1 comment approved.", "undo": undo, "gone": [comment.pk], "rows": {}, "reload": False
        }  # fmt: skip
        back = client.post(undo, headers=JSON).json()
        assert list(back["rows"]) == [str(comment.pk)]
        assert f'value="{comment.pk}:{comment.mark}"' in back["rows"][str(comment.pk)]

    def test_what_is_answered_where_it_stands_stays(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create()
        sent = {"decide": f"reply {comment.pk}", f"reply-{comment.pk}": "Yes."}
        assert client.post(f"{DECIDE}?status=approved", sent, headers=JSON).json()["gone"] == []

    @pytest.mark.parametrize("number", [3, 60])
    def test_a_decision_takes_as_many_queries_however_many_wait(
        self, number: int, client: Client, moderator: User
    ) -> None:
        comments = [waiting(text="The same words.") for _ in range(number)]
        sent = {"decide": "spam", "comment": comments[0].pk, "seen": seen(comments[0])}
        with CaptureQueriesContext(connection) as done:
            client.post(DECIDE, sent, headers=JSON)
        # One of them asks whether readers saw one of the comments.
        assert len(done) <= 17

    def test_a_thousand_are_decided_at_once_and_undone(self, client: Client, moderator: User) -> None:
        post = PostFactory.create()
        Comment.objects.bulk_create(
            Comment(entry=post, name="Shop", text=f"Buy at spam.example {n}", status=Status.PENDING)
            for n in range(1_000)
        )
        page = read(client.get(f"{ALIKE}?kind=host&text=spam.example"))
        assert text(find(page, ".similar h2")[0]) == "1000 pending comments with “spam.example”"
        form = find(page, "form")[-2]
        response = client.post(form.get("action"), {**dict(form.form_values()), "decide": "spam"}, follow=True)
        assert message(response) == "1000 comments marked as spam."
        button = one(read(response), ".messagelist form.undo")
        client.post(button.get("action"), dict(button.form_values()))
        assert Comment.objects.filter(status=Status.PENDING).count() == 1_000


class TestEverythingAlike:
    @pytest.mark.parametrize(
        ("kind", "words", "found"),
        [
            ("email", "SHOP@example.org", {"A"}),
            ("name", "b", {"B"}),
            ("host", "spam.example", {"C", "D"}),
            ("word", "péché", {"E"}),
        ],
    )
    def test_it_is_counted_and_shown_before_anything_happens(
        self, kind: str, words: str, found: set[str], client: Client, moderator: User
    ) -> None:
        waiting(name="A", email="shop@example.org", text="1")
        waiting(name="B", text="2")
        waiting(name="C", website="https://shop.spam.example/", text="3")
        waiting(name="D", text="https://spam.example/4")
        waiting(name="E", text="un PECHE")
        CommentFactory.create(name="B", email="shop@example.org", text="peche https://spam.example")
        page = read(client.get(ALIKE, {"kind": kind, "text": words}))
        assert {text(name) for name in find(page, ".found strong")} == found
        assert text(find(page, ".similar h2")[0]).startswith(str(len(found)))
        assert not Decision.objects.exists()

    def test_the_address_of_a_comment_stands_in_no_link(self, client: Client, moderator: User) -> None:
        comment = waiting(name="A", email="shop@example.org", text="1")
        page = read(client.get(QUEUE))
        (link,) = (each for each in find(page, ".more a") if text(each) == "shop@example.org")
        assert "shop" not in link.get("href")
        found = read(client.get(link.get("href")))
        assert text(find(found, ".found strong")[0]) == "A"
        client.post(link.get("href"), {"verdict": "spam"})
        assert Block.objects.get().text == comment.email

    @pytest.mark.parametrize("number", ["", "x", "0", "999999999999999999", "9" * 40])
    def test_of_a_comment_that_is_not_there_it_says_so(self, number: str, client: Client, moderator: User) -> None:
        response = client.get(f"{ALIKE}?kind=email&comment={number}")
        assert response.status_code == 200
        assert not find(read(response), ".found")

    def test_only_what_was_shown_and_still_waits_is_decided(self, client: Client, moderator: User) -> None:
        comments = [waiting(name="Shop") for _ in range(3)]
        form = find(read(client.get(f"{ALIKE}?kind=name&text=shop")), "form")
        sent = next({**dict(one.form_values()), "decide": "trash"} for one in form if one.get("action") == DECIDE)
        approve(comments[:1], UserFactory.create(display_name="Anna"))
        later = waiting(name="Shop")
        assert message(client.post(DECIDE, sent, follow=True)).startswith("2 comments moved to the trash.")
        assert [status(comment) for comment in [*comments, later]] == ["approved", "trash", "trash", "pending"]

    def test_each_row_leads_there(self, client: Client, moderator: User) -> None:
        waiting(name="A & B", email="a@example.org", text="See https://spam.example/x and e.g. this")
        page = read(client.get(QUEUE))
        links = find(page, "details.more a")
        assert [text(link) for link in links] == ["a@example.org", "A & B", "spam.example", "a word…"]
        for link in links:
            answer = client.get(link.get("href"))
            assert answer.status_code == 200
            assert find(read(answer), ".errorlist li") == []

    @pytest.mark.parametrize(
        ("kind", "words"),
        [("host", "nothing"), ("email", "x"), ("word", "!"), ("word", ""), ("x", "y"), ("word", "ﷺ" * 200)],
    )
    def test_what_cannot_be_looked_for_is_told(self, kind: str, words: str, client: Client, moderator: User) -> None:
        page = read(client.get(ALIKE, {"kind": kind, "text": words}))
        assert find(page, ".errorlist li") != []
        assert client.post(f"{ALIKE}?kind={kind}&text={words}", {"verdict": "spam"}).status_code == 200
        assert not Block.objects.exists()


class TestBlocking:
    def test_what_it_would_have_caught_is_told_before(self, client: Client, moderator: User) -> None:
        now = timezone.now()
        for days in (1, 80, 100):
            CommentFactory.create(name="Shop", status=Status.SPAM, created_at=now - dt.timedelta(days=days))
        page = read(client.get(f"{ALIKE}?kind=name&text=Shop"))
        assert "This block matches 2 comments of the last 90 days." in text(page)
        assert not Block.objects.exists()

    @pytest.mark.parametrize("verdict", ["hold", "spam"])
    def test_it_is_saved_and_what_waits_is_offered(self, verdict: str, client: Client, moderator: User) -> None:
        waiting(name="Shop", text="1")
        path = f"{ALIKE}?kind=name&text=Shop"
        response = client.post(path, {"verdict": verdict}, follow=True)
        block = Block.objects.get()
        assert (block.kind, block.text, block.verdict, block.added_by) == ("name", "Shop", verdict, moderator)
        assert response.redirect_chain == [(path, 302)]
        page = read(response)
        assert [text(button) for button in find(page, "button.decide")][1] == "Spam"
        assert "“Shop” is already blocked." in text(page)
        assert find(page, "form.block") == []

    def test_twice_is_told(self, client: Client, moderator: User) -> None:
        path = f"{ALIKE}?kind=name&text=Shop"
        client.post(path, {"verdict": "spam"}, follow=True)
        assert message(client.post(path, {"verdict": "hold"}, follow=True)) == "This is already blocked."
        assert Block.objects.get().verdict == "spam"

    @pytest.mark.parametrize("verdict", ["", "x"])
    def test_without_a_verdict_nothing_is_blocked(self, verdict: str, client: Client, moderator: User) -> None:
        client.post(f"{ALIKE}?kind=name&text=Shop", {"verdict": verdict})
        assert not Block.objects.exists()
