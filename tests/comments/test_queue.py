"""The moderation queue. Everything works without JavaScript, and the script uses the same URLs."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from lxml import html
from pytest_django import Settings

from accounts.models import User
from blog.models import Post
from comments.models import Block, Comment, CommentSettings, Decision
from comments.models import CommentStatus as Status
from comments.moderation import decisions, queue
from comments.moderation.decisions import approve, mark_spam
from comments.moderation.submission import revise
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.admin import is_refused, log_in
from tests.factories.comments import status
from tests.factories.database import executed_statements
from tests.factories.responses import find, message, one, read, text

pytestmark = pytest.mark.django_db

QUEUE = "/admin/comments/queue/"
DECIDE = f"{QUEUE}decide/"
SIMILAR = f"{QUEUE}similar/"
STATISTICS = f"{QUEUE}statistics/"
JSON = {"Accept": "application/json"}
MODERATORS = {"Editor", "Moderator", "superuser"}
ROLES = ["anonymous", "reader", "Author", "viewer", "Editor", "Moderator", "superuser"]


def pending_comment(**more: Any) -> Comment:
    comment: Comment = CommentFactory.create(**{"status": Status.PENDING, **more})
    return comment


def seen(*comments: Comment) -> list[str]:
    return [f"{comment.pk}:{comment.mark}" for comment in comments]


def rows(page: html.HtmlElement) -> list[str]:
    """Return the names in the queue, in order."""
    return [text(name) for name in find(page, ".queue-comment .about strong")]


def click(client: Client, page: html.HtmlElement, value: str, **typed: str) -> Any:
    """Click the button with this value, as in a browser without JavaScript."""
    form = one(page, "#queue-form")
    values: dict[str, list[str]] = {}
    for name, each in form.form_values():
        values.setdefault(name, []).append(each)
    return client.post(form.get("action"), {**values, "decide": value, **typed}, follow=True)


class TestPermissions:
    @pytest.mark.parametrize("path", [QUEUE, SIMILAR, f"{SIMILAR}?kind=name&text=Zoe", STATISTICS])
    @pytest.mark.parametrize("who", ROLES)
    def test_pages(self, who: str, path: str, client: Client) -> None:
        log_in(client, who)
        assert is_refused(client.get(path)) is (who not in MODERATORS)

    @pytest.mark.parametrize("decision", ["approve", "spam", "trash", "reply"])
    @pytest.mark.parametrize("who", ROLES)
    def test_deciding(self, who: str, decision: str, client: Client) -> None:
        comment = pending_comment()
        log_in(client, who)
        sent = {"decide": f"{decision} {comment.pk}"}
        if decision == "reply":
            sent[f"reply-{comment.pk}"] = "Thank you."
        assert is_refused(client.post(DECIDE, sent)) is (who not in MODERATORS)
        assert (status(comment) == Status.PENDING) is (who not in MODERATORS)
        assert Comment.objects.count() == 1 + (decision == "reply" and who in MODERATORS)

    @pytest.mark.parametrize("who", ROLES)
    def test_editing(self, who: str, client: Client) -> None:
        comment = pending_comment(text="Before")
        log_in(client, who)
        client.post(DECIDE, {"decide": f"edit {comment.pk}", f"edit-{comment.pk}": "After"})
        comment.refresh_from_db()
        assert comment.text == ("After" if who in MODERATORS else "Before")

    @pytest.mark.parametrize("who", ROLES)
    def test_undoing(self, who: str, client: Client) -> None:
        comment = pending_comment()
        batch = approve([comment], UserFactory.create()).batch
        log_in(client, who)
        client.post(reverse("admin:comments_queue_undo", args=[batch]))
        assert (status(comment) == Status.PENDING) is (who in MODERATORS)

    @pytest.mark.parametrize("who", ROLES)
    def test_blocking(self, who: str, client: Client) -> None:
        log_in(client, who)
        client.post(f"{SIMILAR}?kind=host&text=spam.example", {"verdict": "spam"})
        assert Block.objects.exists() is (who in MODERATORS)

    def test_the_permission_to_moderate_does_not_include_editing_and_blocking(
        self, client: Client, moderator: User
    ) -> None:
        helpers = Group.objects.create(name="Helpers")
        helpers.permissions.set([Permission.objects.get(codename="moderate_comment")])
        moderator.groups.set([helpers])
        # Another role has ended the session.
        client.force_login(moderator)
        comment = pending_comment(text="Before")
        page = read(client.get(QUEUE))
        assert find(page, "details.edit") == []
        assert client.post(DECIDE, {"decide": f"edit {comment.pk}", f"edit-{comment.pk}": "x"}).status_code == 403
        assert client.post(f"{SIMILAR}?kind=word&text=x", {"verdict": "spam"}).status_code == 403
        assert click(client, page, f"approve {comment.pk}").status_code == 200
        assert status(comment) == Status.APPROVED

    def test_get_requests_change_nothing(self, client: Client, moderator: User) -> None:
        batch = approve([pending_comment()], moderator).batch
        assert client.get(DECIDE).status_code == 405
        assert client.get(reverse("admin:comments_queue_undo", args=[batch])).status_code == 405

    def test_a_csrf_token_is_required(self, moderator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(moderator)
        comment = pending_comment()
        batch = approve([pending_comment()], moderator).batch
        for path in (DECIDE, reverse("admin:comments_queue_undo", args=[batch]), f"{SIMILAR}?kind=word&text=x"):
            assert client.post(path, {"decide": f"spam {comment.pk}", "verdict": "spam"}).status_code == 403
        click(client, read(client.get(QUEUE)), f"spam {comment.pk}")
        assert status(comment) == Status.SPAM


class TestPage:
    def test_the_oldest_pending_comment_comes_first(self, client: Client, moderator: User) -> None:
        now = timezone.now()
        for name, days in (("B", 2), ("A", 3), ("C", 1)):
            pending_comment(name=name, created_at=now - dt.timedelta(days=days))
        page = read(client.get(QUEUE))
        assert rows(page) == ["A", "B", "C"]
        # Without it, a list without markers is none in Safari.
        assert one(page, "#queue").get("role") == "list"

    def test_a_row_shows_everything_needed_to_decide(self, client: Client, moderator: User) -> None:
        post = PostFactory.create(title="A post")
        parent = CommentFactory.create(entry=post, name="Jan")
        pending_comment(
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
        for part in ("Zoë", "zoe@example.org", "https://zoe.example/", "Line one line two", "reply to Jan on A post"):
            assert part in row
        assert "3 hours ago" in row
        assert "It has 5 links." in row
        assert "first comment" in row

    def test_authors_are_recognised_by_their_address_or_else_by_their_name(
        self, client: Client, moderator: User
    ) -> None:
        for state in (Status.APPROVED, Status.APPROVED, Status.SPAM):
            CommentFactory.create(name="Zoë", email="zoe@example.org", status=state)
        CommentFactory.create(name="Jan", email="", status=Status.APPROVED)
        # Anyone can use the same name.
        CommentFactory.create(name="Zoë", email="other@example.org", status=Status.SPAM)
        pending_comment(name="Zoë", email="zoe@example.org")
        pending_comment(name="Jan", email="")
        histories = [text(found) for found in find(read(client.get(QUEUE)), ".history")]
        assert histories == ["2 approved 1 spam", "1 approved"]

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="Reads SQLite's plans.")
    def test_an_authors_comments_are_counted_in_an_index(self, client: Client, moderator: User) -> None:
        """A million comments without an address, such as pingbacks, would take a second."""
        pending_comment(email="", name="Ann")
        with executed_statements() as statements:
            client.get(QUEUE)
        counting = next(each for each in statements if "GROUP BY 1, 2" in each[0])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {counting[0]}", counting[1])
            ((*_ids, step), *_grouping) = cursor.fetchall()
        assert step == "SEARCH comments_comment USING COVERING INDEX comment_by_person (email=? AND name=?)"

    @pytest.mark.parametrize("length", [queue.MAX_FULL_LENGTH, queue.MAX_FULL_LENGTH + 1, 20_000])
    @pytest.mark.parametrize("pattern", ["word ", "x", "كلمة "])
    def test_long_texts_are_complete(self, length: int, pattern: str, client: Client, moderator: User) -> None:
        long_text = (pattern * length)[:length]
        pending_comment(text=long_text)
        row = one(read(client.get(QUEUE)), "li.queue-comment")
        shown = [part.text_content() for part in find(row, ".text")]
        assert "".join(shown) == long_text
        assert len(shown[0]) <= queue.MAX_FULL_LENGTH

    def test_markup_is_escaped(self, client: Client, moderator: User) -> None:
        hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
        post = PostFactory.create(title=hostile)
        parent = pending_comment(entry=post, name=hostile)
        reasons = [{"check": "x", "verdict": "hold\" onclick='x", "message": hostile}]
        for is_html in (True, False):
            pending_comment(
                entry=post, parent=parent, name=hostile, text=hostile, website=hostile, reasons=reasons, is_html=is_html
            )
        page = read(client.get(QUEUE))
        assert text(find(page, ".about strong")[1]) == hostile
        assert [script for script in find(page, "script") if not script.get("src")] == []
        assert find(page, "img") == []
        assert page.xpath("//@onclick | //@onerror | //@style") == []

    def test_arabic_text_has_its_own_direction(self, client: Client, moderator: User) -> None:
        post = PostFactory.create(title="عنوان")
        reasons = [{"check": "blocklist", "verdict": "hold", "message": "It contains “تحية”."}]
        parent = CommentFactory.create(entry=post, name="أمينة")
        pending_comment(entry=post, parent=parent, text="تحية من بيروت", name="ليلى", reasons=reasons)
        page = read(client.get(QUEUE))
        assert find(page, ".text")[0].get("dir") == "auto"
        assert [text(name) for name in find(page, ".about strong bdi")] == ["ليلى"]
        assert [text(name) for name in find(page, ".where bdi")] == ["أمينة", "عنوان"]
        assert [text(reason) for reason in find(page, ".reasons bdi")] == ["It contains “تحية”."]

    @pytest.mark.parametrize("state", [Status.SPAM, Status.TRASH, Status.APPROVED])
    def test_other_statuses_are_listed_newest_first(self, state: Status, client: Client, moderator: User) -> None:
        for name in "AB":
            CommentFactory.create(status=state, name=name)
        pending_comment(name="C")
        page = read(client.get(f"{QUEUE}?status={state}"))
        assert rows(page) == ["B", "A"]
        assert text(one(page, ".tabs [aria-current=page]")).startswith(str(state.label))

    def test_an_empty_queue_says_so(self, client: Client, moderator: User) -> None:
        page = read(client.get(QUEUE))
        assert one(page, "#empty").get("hidden") is None
        assert text(one(page, "#empty")) == "No comments are pending."

    def test_each_comment_is_on_exactly_one_page(self, client: Client, moderator: User) -> None:
        created_at = timezone.now()
        for number in range(60):
            pending_comment(name=f"N{number}", created_at=created_at)
        names: list[str] = []
        path = QUEUE
        while path:
            page = read(client.get(path))
            names += rows(page)
            later = find(page, "#next-page")
            path = QUEUE + later[0].get("href") if later else ""
        assert names == [f"N{number}" for number in range(60)]

    @pytest.mark.parametrize("after", ["x", "_", "2020-01-01_1", "2020-01-01T00:00:00+00:00_x", "\0", "9" * 5000])
    def test_an_invalid_cursor_is_not_found(self, after: str, client: Client, moderator: User) -> None:
        assert client.get(QUEUE, {"after": after}).status_code == 404

    @pytest.mark.parametrize("query", ["status=nothing", "review=x", "review=-1", "review=999999"])
    def test_other_invalid_parameters_are_ignored(self, query: str, client: Client, moderator: User) -> None:
        assert client.get(f"{QUEUE}?{query}").status_code == 200

    @pytest.mark.parametrize("count", [3, 60])
    def test_it_takes_at_most_seven_queries(self, count: int, client: Client, moderator: User) -> None:
        for index in range(count):
            entry = {"entry": PageFactory.create()} if index % 3 == 0 else {"entry": PostFactory.create()}
            parent = CommentFactory.create(**entry, user=UserFactory.create(), name="")
            pending_comment(**entry, parent=parent, user=UserFactory.create() if index % 2 else None, name="")
        with CaptureQueriesContext(connection) as queries:
            page = read(client.get(QUEUE))
        assert len(find(page, ".queue-comment")) == min(count, queue.PER_PAGE)
        assert len(queries) <= 7


class TestDecidingWithoutJavaScript:
    @pytest.mark.parametrize(
        ("action", "becomes", "expected"),
        [
            ("approve", Status.APPROVED, "1 comment approved."),
            ("spam", Status.SPAM, "1 comment marked as spam."),
            ("trash", Status.TRASH, "1 comment moved to the trash."),
        ],
    )
    def test_deciding_about_one_comment(
        self, action: str, becomes: Status, expected: str, client: Client, moderator: User
    ) -> None:
        comment, other = pending_comment(), pending_comment(name="Other")
        response = click(client, read(client.get(QUEUE)), f"{action} {comment.pk}")
        assert message(response) == expected
        assert rows(read(response)) == ["Other"]
        assert (status(comment), status(other)) == (becomes, Status.PENDING)
        decision = Decision.objects.get()
        assert (decision.moderator, decision.was, decision.became) == (moderator, Status.PENDING, becomes)

    def test_deciding_about_all_selected_comments(self, client: Client, moderator: User) -> None:
        comments = [pending_comment() for _ in range(3)]
        page = read(client.get(QUEUE))
        for box in find(page, "label.select input")[:2]:
            box.checked = True
        form = one(page, "#queue-form")
        sent: dict[str, Any] = {"decide": "spam"}
        for name, value in form.form_values():
            sent.setdefault(name, []).append(value)
        assert message(client.post(form.get("action"), sent, follow=True)) == "2 comments marked as spam."
        assert [status(comment) for comment in comments] == [Status.SPAM, Status.SPAM, Status.PENDING]

    def test_without_a_selection_nothing_happens(self, client: Client, moderator: User) -> None:
        comment = pending_comment()
        assert message(click(client, read(client.get(QUEUE)), "spam")) == "No comments were changed."
        assert status(comment) == Status.PENDING

    def test_the_enter_key_decides_nothing(self, client: Client, moderator: User) -> None:
        pending_comment()
        first = one(read(client.get(QUEUE)), "#queue-form").xpath(".//button")[0]
        assert first.get("disabled") is not None

    @pytest.mark.parametrize(
        "decide", ["", "x", "approve x", "edit", "reply 0", "approve 99999999999999999999999", "\0"]
    )
    def test_malformed_decisions_change_nothing(self, decide: str, client: Client, moderator: User) -> None:
        assert message(client.post(DECIDE, {"decide": decide}, follow=True)) == "No comments were changed."

    def test_the_moderator_returns_to_the_same_position(self, client: Client, moderator: User) -> None:
        for _ in range(30):
            pending_comment()
        page = read(client.get(QUEUE))
        second = read(client.get(QUEUE + one(page, "#next-page").get("href")))
        value = find(second, "button.spam")[0].get("value")
        response = click(client, second, value)
        assert response.redirect_chain[0][0].startswith(f"{QUEUE}?status=pending&after=")
        assert len(rows(read(response))) == 4

    def test_a_decision_can_be_undone_and_the_undo_too(self, client: Client, moderator: User) -> None:
        comment = pending_comment()
        decided = click(client, read(client.get(QUEUE)), f"spam {comment.pk}")
        for expected in (Status.PENDING, Status.SPAM):
            button = one(read(decided), ".messagelist form.undo")
            decided = client.post(button.get("action"), dict(button.form_values()), follow=True)
            assert status(comment) == expected
        assert decided.redirect_chain == [(f"{QUEUE}?status=pending", 302)]


class TestConcurrentModerators:
    @pytest.mark.usefixtures("a_second_ago")
    def test_the_second_moderator_sees_the_new_status_and_can_still_decide(
        self, client: Client, moderator: User
    ) -> None:
        comment = pending_comment()
        page = read(client.get(QUEUE))
        approve([comment], UserFactory.create(display_name="Anna"))
        response = click(client, page, f"spam {comment.pk}")
        assert "Anna approved it 1 second ago." in message(response)
        assert status(comment) == Status.APPROVED
        row = one(read(response), ".to-review li.queue-comment")
        assert text(one(row, ".note")) == "Anna approved it 1 second ago."
        assert [text(button) for button in find(row, "button.decide")] == ["Unapprove", "Spam", "Trash"]
        click(client, read(response), f"spam {comment.pk}")
        assert status(comment) == Status.SPAM

    @pytest.mark.usefixtures("a_second_ago")
    def test_a_text_changed_by_its_author_is_not_approved_unread(self, client: Client, moderator: User) -> None:
        comment = pending_comment(created_at=timezone.now())
        page = read(client.get(QUEUE))
        revise(comment, "Buy pills", settings=CommentSettings())
        response = click(client, page, f"approve {comment.pk}")
        assert status(comment) == Status.PENDING
        row = one(read(response), ".to-review li.queue-comment")
        assert text(one(row, ".note")) == "Its author changed the text 1 second ago."
        assert text(one(row, ".text")) == "Buy pills"

    def test_the_rest_of_a_selection_is_still_decided(self, client: Client, moderator: User) -> None:
        comments = [pending_comment() for _ in range(3)]
        sent = {"decide": "trash", "comment": [comment.pk for comment in comments], "seen": seen(*comments)}
        mark_spam(comments[:1], UserFactory.create(display_name="Anna"))
        response = client.post(DECIDE, sent, headers=JSON).json()
        assert [status(comment) for comment in comments] == [Status.SPAM, Status.TRASH, Status.TRASH]
        assert response["gone"] == [comment.pk for comment in comments[1:]]
        assert list(response["rows"]) == [str(comments[0].pk)]

    def test_a_reply_to_a_removed_comment_is_not_published_and_not_lost(self, client: Client, moderator: User) -> None:
        comment = pending_comment()
        page = read(client.get(QUEUE))
        mark_spam([comment], UserFactory.create(display_name="Anna"))
        response = click(client, page, f"reply {comment.pk}", **{f"reply-{comment.pk}": "Dear you"})
        row = one(read(response), ".to-review li.queue-comment")
        assert "Anna marked it as spam" in text(one(row, ".reply .errornote"))
        assert one(row, ".reply textarea").value == "Dear you"
        assert Comment.objects.count() == 1

    @pytest.mark.parametrize("decision", ["approve", "spam", "reply"])
    def test_nothing_is_decided_while_another_reply_is_not_sent(
        self, client: Client, moderator: User, decision: str
    ) -> None:
        first, second = pending_comment(), pending_comment(text="A longer text\nof two lines")
        texts = {f"reply-{first.pk}": "Dear you"} | {f"{decision}-{second.pk}": "Dear both"}
        response = click(client, read(client.get(QUEUE)), f"{decision} {second.pk}", **texts)
        row = find(read(response), ".to-review li.queue-comment")[0]
        assert "This text isn't sent yet, so nothing was decided." in text(one(row, ".reply .errornote"))
        assert one(row, ".reply textarea").value == "Dear you"
        assert (status(first), status(second)) == (Status.PENDING, Status.PENDING)
        assert Comment.objects.count() == 2

    def test_a_decision_does_not_submit_the_texts_of_all_comments(
        self, client: Client, moderator: User, settings: Settings
    ) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000
        comments = [pending_comment(text="😀" * 1_000) for _ in range(2)]
        page = read(client.get(QUEUE))
        values = [*one(page, "#queue-form").form_values(), ("decide", f"approve {comments[0].pk}")]
        body = urlencode(values)
        client.post(one(page, "#queue-form").get("action"), body, "application/x-www-form-urlencoded")
        assert [status(comment) for comment in comments] == [Status.APPROVED, Status.PENDING]

    def test_comments_can_be_decided_about_after_someone_else_has_edited_another(
        self, client: Client, moderator: User
    ) -> None:
        first, second = pending_comment(text="Before"), pending_comment()
        page = read(client.get(QUEUE))
        Comment.objects.filter(pk=first.pk).update(text="After")
        click(client, page, f"approve {second.pk}")
        assert (status(first), status(second)) == (Status.PENDING, Status.APPROVED)

    @pytest.mark.parametrize("name", ["reply", "edit"])
    def test_text_written_for_a_deleted_comment_is_returned(self, client: Client, moderator: User, name: str) -> None:
        comment = pending_comment()
        page = read(client.get(QUEUE))
        Comment.objects.all().delete()
        response = click(client, page, f"{name} {comment.pk}", **{f"{name}-{comment.pk}": "Dear you"})
        assert "has been deleted" in text(read(response))
        assert "Dear you" in text(read(response))

    def test_a_reply_to_a_deleted_comment_is_not_stored(self, moderator: User) -> None:
        comment = pending_comment()
        Comment.objects.all().delete()
        with pytest.raises(Comment.DoesNotExist):
            decisions.reply(comment, "Dear you", moderator, settings=CommentSettings())
        assert not Comment.objects.exists()

    def test_a_changed_text_is_not_overwritten(self, client: Client, moderator: User) -> None:
        comment = pending_comment(created_at=timezone.now())
        page = read(client.get(QUEUE))
        revise(comment, "Theirs", settings=CommentSettings())
        response = click(client, page, f"edit {comment.pk}", **{f"edit-{comment.pk}": "Mine"})
        row = one(read(response), ".to-review li.queue-comment")
        assert one(row, ".edit textarea").value == "Mine"
        assert text(one(row, ".text")) == "Theirs"


class TestReplying:
    def reply(self, client: Client, comment: Comment, reply_text: str = "Thank you.") -> Any:
        return click(
            client, read(client.get(f"{QUEUE}?status={comment.status}")), f"reply {comment.pk}",
            **{f"reply-{comment.pk}": reply_text},
        )  # fmt: skip

    @pytest.mark.parametrize("state", [Status.PENDING, Status.SPAM, Status.APPROVED])
    def test_it_approves_the_comment_and_publishes_the_reply_as_the_moderator(
        self, state: Status, client: Client, moderator: User
    ) -> None:
        comment = pending_comment(status=state)
        assert message(self.reply(client, comment)) == "Comment approved and reply published."
        reply = Comment.objects.exclude(pk=comment.pk).get()
        assert (reply.parent, reply.user, reply.status, reply.entry) == (
            comment, moderator, Status.APPROVED, comment.entry
        )  # fmt: skip
        assert status(comment) == Status.APPROVED
        assert Post.objects.get().comment_count == 2 or state == Status.APPROVED

    def test_undo_reverts_both(self, client: Client, moderator: User) -> None:
        comment = pending_comment()
        response = self.reply(client, comment)
        button = one(read(response), ".messagelist form.undo")
        client.post(button.get("action"), dict(button.form_values()))
        assert set(Comment.objects.values_list("status", flat=True)) == {Status.PENDING}
        assert Post.objects.get().comment_count == 0
        self.reply(client, comment)
        assert set(Comment.objects.values_list("status", flat=True)) == {Status.APPROVED}
        assert Comment.objects.count() == 2

    def test_a_second_click_decides_nothing_more_and_offers_the_same_undo(
        self, client: Client, moderator: User
    ) -> None:
        comment = CommentFactory.create()
        sent = {"decide": f"reply {comment.pk}", f"reply-{comment.pk}": "Yes."}
        first, second = (client.post(f"{DECIDE}?status=approved", sent, headers=JSON).json() for _ in range(2))
        assert second == first
        reply = Comment.objects.exclude(pk=comment.pk).get()
        assert reply.decisions.count() == 1
        client.post(second["undo"])
        assert status(reply) == Status.PENDING

    def test_approving_again_with_the_same_reply_can_be_undone(self, client: Client, moderator: User) -> None:
        comment = pending_comment()
        self.reply(client, comment)
        Comment.objects.filter(pk=comment.pk).update(status=Status.PENDING)
        response = self.reply(client, comment)
        assert status(comment) == Status.APPROVED
        button = one(read(response), ".messagelist form.undo")
        client.post(button.get("action"), dict(button.form_values()))
        assert status(comment) == Status.PENDING

    @pytest.mark.parametrize("reply_text", ["", "  \n", "\u200b", "x" * 20_001])
    def test_an_invalid_reply_is_returned_and_approves_nothing(
        self, reply_text: str, client: Client, moderator: User
    ) -> None:
        comment = pending_comment()
        page = read(self.reply(client, comment, reply_text))
        assert one(page, ".to-review .errornote").getparent().get("class") == "panel reply"
        assert status(comment) == Status.PENDING
        assert Comment.objects.count() == 1

    def test_a_reply_that_is_too_long_is_kept_in_the_form(self, client: Client, moderator: User) -> None:
        comment = pending_comment()
        reply_text = "x" * 20_001
        page = read(self.reply(client, comment, reply_text))
        assert one(page, ".reply .errornote").text_content().startswith("This has 20001 characters")
        assert one(page, f"#reply-{comment.pk}").value == reply_text


class TestEditing:
    def test_the_earlier_text_is_kept_and_readers_see_the_edit(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(text="Before", entry__comment_count=1)
        page = read(client.get(f"{QUEUE}?status=approved"))
        click(client, page, f"edit {comment.pk}", **{f"edit-{comment.pk}": "After"})
        revision = comment.revisions.get()
        assert (revision.text, revision.by) == ("Before", moderator)
        shown = read(Client().get(comment.entry.get_absolute_url()))
        assert text(one(shown, ".comment-edited")).startswith("Edited by a moderator")

    def test_the_same_text_again_changes_nothing(self, client: Client, moderator: User) -> None:
        comment = pending_comment(text="Before\n\nall")
        page = read(client.get(QUEUE))
        click(client, page, f"edit {comment.pk}", **{f"edit-{comment.pk}": "Before\r\n\r\nall"})
        assert not comment.revisions.exists()


class TestEditingOnItsOwnPage:
    """Without JavaScript, *Edit* leads to the page of the comment, and its buttons lead back."""

    def open(self, client: Client, comment: Comment) -> tuple[str, str]:
        """Return the URLs of the second page of the spam and of the comment's own page, which is linked there."""
        second = one(read(client.get(f"{QUEUE}?status=spam")), "#next-page").get("href")
        row = one(read(client.get(QUEUE + second)), f"#comment-{comment.pk}")
        return QUEUE + second, one(row, ".edit-page").get("href")

    @pytest.fixture
    def comment(self) -> Comment:
        CommentFactory.create_batch(queue.PER_PAGE, status=Status.SPAM)
        oldest: Comment = CommentFactory.create(status=Status.SPAM, created_at=at(2010, 5, 1))
        return oldest

    def save(self, client: Client, url: str, button: str = "_save") -> Any:
        return client.post(url, {"text": "Better", "name": "Zoe", button: "1"}, follow=True)

    def test_saving_leads_back_to_where_it_was(self, client: Client, moderator: User, comment: Comment) -> None:
        position, url = self.open(client, comment)
        response = self.save(client, url)
        assert response.redirect_chain == [(position, 302)]
        assert message(response).startswith(f"Comment “{comment}” saved.")

    def test_deciding_leads_back_and_so_does_undoing_it(
        self, client: Client, moderator: User, comment: Comment
    ) -> None:
        position, url = self.open(client, comment)
        response = self.save(client, url, "_trash")
        assert response.redirect_chain == [(position, 302)]
        undo = one(read(response), ".messagelist form").get("action")
        assert client.post(undo, follow=True).redirect_chain == [(position, 302)]
        assert status(comment) == Status.SPAM

    def test_saving_and_continuing_stays_on_the_page(self, client: Client, moderator: User, comment: Comment) -> None:
        _position, url = self.open(client, comment)
        response = self.save(client, url, "_continue")
        assert response.redirect_chain == [(url, 302)]

    def test_it_leads_to_no_other_site(self, client: Client, moderator: User, comment: Comment) -> None:
        url = reverse("admin:comments_comment_change", args=[comment.pk])
        response = self.save(client, f"{url}?queue=//evil.example/%0D%0ASet-Cookie:a")
        assert response.redirect_chain == [(f"{QUEUE}?//evil.example/%0D%0ASet-Cookie:a", 302)]


class TestJson:
    def test_it_contains_the_message_the_undo_url_and_the_rows_to_remove(self, client: Client, moderator: User) -> None:
        comment = pending_comment()
        sent = {"decide": "approve", "comment": comment.pk, "seen": seen(comment)}
        response = client.post(DECIDE, sent, headers=JSON).json()
        batch = Decision.objects.get().batch
        undo = f"{QUEUE}undo/{batch}/?status=pending"
        assert response == {
            "message": "1 comment approved.", "undo": undo, "gone": [comment.pk], "rows": {}, "reload": False,
            "counts": {"pending": 0, "spam": 0, "trash": 0},
        }  # fmt: skip
        back = client.post(undo, headers=JSON).json()
        assert list(back["rows"]) == [str(comment.pk)]
        assert f'value="{comment.pk}:{comment.mark}"' in back["rows"][str(comment.pk)]

    def test_an_approved_comment_stays_in_the_approved_list_after_a_reply(
        self, client: Client, moderator: User
    ) -> None:
        comment = CommentFactory.create()
        sent = {"decide": f"reply {comment.pk}", f"reply-{comment.pk}": "Yes."}
        assert client.post(f"{DECIDE}?status=approved", sent, headers=JSON).json()["gone"] == []

    @pytest.mark.parametrize("count", [3, 60])
    def test_the_number_of_queries_does_not_depend_on_the_queue(
        self, count: int, client: Client, moderator: User
    ) -> None:
        comments = [pending_comment(text="The same text.") for _ in range(count)]
        sent = {"decide": "spam", "comment": comments[0].pk, "seen": seen(comments[0])}
        with CaptureQueriesContext(connection) as queries:
            client.post(DECIDE, sent, headers=JSON)
        # One of them checks whether readers saw any of the comments.
        assert len(queries) <= 17

    def test_a_thousand_comments_can_be_decided_together_and_undone(self, client: Client, moderator: User) -> None:
        post = PostFactory.create()
        Comment.objects.bulk_create(
            Comment(entry=post, name="Shop", text=f"Buy at spam.example {n}", status=Status.PENDING)
            for n in range(1_000)
        )
        page = read(client.get(f"{SIMILAR}?kind=host&text=spam.example"))
        assert text(find(page, ".similar h2")[0]) == "1000 pending comments with “spam.example”"
        form = find(page, "form")[-2]
        response = client.post(form.get("action"), {**dict(form.form_values()), "decide": "spam"}, follow=True)
        assert message(response) == "1000 comments marked as spam."
        button = one(read(response), ".messagelist form.undo")
        client.post(button.get("action"), dict(button.form_values()))
        assert Comment.objects.filter(status=Status.PENDING).count() == 1_000


class TestSimilarComments:
    @pytest.mark.parametrize(
        ("kind", "query", "names"),
        [
            ("email", "SHOP@example.org", {"A"}),
            ("name", "b", {"B"}),
            ("host", "spam.example", {"C", "D"}),
            ("word", "péché", {"E"}),
        ],
    )
    def test_they_are_counted_and_shown_first(
        self, kind: str, query: str, names: set[str], client: Client, moderator: User
    ) -> None:
        pending_comment(name="A", email="shop@example.org", text="1")
        pending_comment(name="B", text="2")
        pending_comment(name="C", website="https://shop.spam.example/", text="3")
        pending_comment(name="D", text="https://spam.example/4")
        pending_comment(name="E", text="un PECHE")
        CommentFactory.create(name="B", email="shop@example.org", text="peche https://spam.example")
        page = read(client.get(SIMILAR, {"kind": kind, "text": query}))
        assert {text(name) for name in find(page, ".found strong")} == names
        assert text(find(page, ".similar h2")[0]).startswith(str(len(names)))
        assert not Decision.objects.exists()

    def test_what_can_be_done_is_above_the_list_however_long_it_is(self, client: Client, moderator: User) -> None:
        pending_comment(text="Cheap pills")
        page = read(client.get(SIMILAR, {"kind": "word", "text": "pills"}))
        headings = [text(each) for each in find(page, ".similar h2")]
        assert headings == ["1 pending comment with “pills”", "Block", "Pending comments"]

    def test_a_wave_of_two_thousand_is_marked_as_spam_at_once(self, client: Client, moderator: User) -> None:
        first = pending_comment(name="Pills", text="Cheap pills")
        Comment.objects.bulk_create(
            Comment(
                entry=first.entry, status=first.status, name="Pills", text="Cheap pills", created_at=first.created_at
            )
            for _ in range(1999)
        )
        page = read(client.get(SIMILAR, {"kind": "word", "text": "pills"}))
        assert text(find(page, ".similar h2")[0]) == "2000 pending comments with “pills”"
        form = next(each for each in find(page, "form") if each.get("action") == DECIDE)
        client.post(DECIDE, {**dict(form.form_values()), "decide": "spam"})
        assert Comment.objects.filter(status="spam").count() == 2000

    def test_links_do_not_contain_the_email_address(self, client: Client, moderator: User) -> None:
        comment = pending_comment(name="A", email="shop@example.org", text="1")
        page = read(client.get(QUEUE))
        (link,) = (each for each in find(page, ".more a") if text(each) == "shop@example.org")
        assert "shop" not in link.get("href")
        similar = read(client.get(link.get("href")))
        assert text(find(similar, ".found strong")[0]) == "A"
        client.post(link.get("href"), {"verdict": "spam"})
        assert Block.objects.get().text == comment.email

    @pytest.mark.parametrize("pk", ["", "x", "0", "999999999999999999", "9" * 40])
    def test_an_unknown_comment_id_finds_nothing(self, pk: str, client: Client, moderator: User) -> None:
        response = client.get(f"{SIMILAR}?kind=email&comment={pk}")
        assert response.status_code == 200
        assert not find(read(response), ".found")

    def test_only_comments_that_were_shown_and_are_still_pending_are_decided(
        self, client: Client, moderator: User
    ) -> None:
        comments = [pending_comment(name="Shop") for _ in range(3)]
        form = find(read(client.get(f"{SIMILAR}?kind=name&text=shop")), "form")
        sent = next({**dict(one.form_values()), "decide": "trash"} for one in form if one.get("action") == DECIDE)
        approve(comments[:1], UserFactory.create(display_name="Anna"))
        later = pending_comment(name="Shop")
        assert message(client.post(DECIDE, sent, follow=True)).startswith("2 comments moved to the trash.")
        assert [status(comment) for comment in [*comments, later]] == ["approved", "trash", "trash", "pending"]

    def test_each_row_links_to_similar_comments(self, client: Client, moderator: User) -> None:
        pending_comment(name="A & B", email="a@example.org", text="See https://spam.example/x and e.g. this")
        page = read(client.get(QUEUE))
        links = find(page, "details.more a")
        assert [text(link) for link in links] == ["a@example.org", "A & B", "spam.example", "a word…"]
        for link in links:
            response = client.get(link.get("href"))
            assert response.status_code == 200
            assert find(read(response), ".errorlist li") == []

    @pytest.mark.parametrize(
        ("kind", "query"),
        [("host", "nothing"), ("email", "x"), ("word", "!"), ("word", ""), ("x", "y"), ("word", "ﷺ" * 200)],
    )
    def test_invalid_searches_show_an_error(self, kind: str, query: str, client: Client, moderator: User) -> None:
        page = read(client.get(SIMILAR, {"kind": kind, "text": query}))
        assert find(page, ".errorlist li") != []
        assert client.post(f"{SIMILAR}?kind={kind}&text={query}", {"verdict": "spam"}).status_code == 200
        assert not Block.objects.exists()


class TestBlocking:
    def test_the_number_of_matches_is_shown_first(self, client: Client, moderator: User) -> None:
        now = timezone.now()
        for days in (1, 80, 100):
            CommentFactory.create(name="Shop", status=Status.SPAM, created_at=now - dt.timedelta(days=days))
        page = read(client.get(f"{SIMILAR}?kind=name&text=Shop"))
        assert "This block matches 2 comments of the last 90 days." in text(page)
        assert not Block.objects.exists()

    @pytest.mark.parametrize("verdict", ["hold", "spam"])
    def test_it_is_saved_and_pending_matches_are_offered_for_a_decision(
        self, verdict: str, client: Client, moderator: User
    ) -> None:
        pending_comment(name="Shop", text="1")
        path = f"{SIMILAR}?kind=name&text=Shop"
        response = client.post(path, {"verdict": verdict}, follow=True)
        block = Block.objects.get()
        assert (block.kind, block.text, block.verdict, block.added_by) == ("name", "Shop", verdict, moderator)
        assert response.redirect_chain == [(path, 302)]
        page = read(response)
        assert [text(button) for button in find(page, "button.decide")][1] == "Spam"
        assert "“Shop” is already blocked." in text(page)
        assert find(page, "form.block") == []

    def test_blocking_twice_shows_an_error(self, client: Client, moderator: User) -> None:
        path = f"{SIMILAR}?kind=name&text=Shop"
        client.post(path, {"verdict": "spam"}, follow=True)
        assert message(client.post(path, {"verdict": "hold"}, follow=True)) == "This is already blocked."
        assert Block.objects.get().verdict == "spam"

    @pytest.mark.parametrize("verdict", ["", "x"])
    def test_without_a_verdict_nothing_is_blocked(self, verdict: str, client: Client, moderator: User) -> None:
        client.post(f"{SIMILAR}?kind=name&text=Shop", {"verdict": verdict})
        assert not Block.objects.exists()
