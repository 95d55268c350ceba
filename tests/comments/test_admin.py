"""The moderators' room in the admin."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from blog.models import Post
from comments.models import Comment, Decision
from comments.models import CommentStatus as Status
from comments.moderation.decisions import approve, edit, mark_spam, trash
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import is_refused, log_in
from tests.factories.comments import status
from tests.factories.responses import find, message, one, read, text

pytestmark = pytest.mark.django_db

LIST = "/admin/comments/comment/"
MOVES = {"approve": Status.APPROVED, "spam": Status.SPAM, "trash": Status.TRASH, "restore": Status.PENDING}


def row_button(comment: Comment, move: str) -> str:
    return reverse(f"admin:comments_comment_{move}", args=[comment.pk])


def form(comment: Comment) -> str:
    return reverse("admin:comments_comment_change", args=[comment.pk])


def bulk(client: Client, move: str, *comments: Comment, query: str = "") -> Any:
    chosen = {"action": f"{move}_selected", "_selected_action": [comment.pk for comment in comments]}
    return client.post(LIST + query, chosen, follow=True)


class TestWhoMayDoWhat:
    """One row for each kind of person: may see the list, may edit, may decide, may delete."""

    ROLES = [
        ("anonymous", False, False, False, False),
        ("reader", False, False, False, False),
        ("Author", False, False, False, False),
        ("viewer", True, False, False, False),
        ("Editor", True, True, True, False),
        ("Moderator", True, True, True, False),
        ("superuser", True, True, True, True),
    ]

    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_seeing_and_editing(
        self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, client: Client
    ) -> None:
        comment = CommentFactory.create(text="Before")
        log_in(client, who)
        assert is_refused(client.get(LIST)) is not sees
        assert is_refused(client.get(form(comment))) is not sees
        sent = client.post(form(comment), {"text": "After", "name": "N", "email": "", "website": ""})
        assert is_refused(sent) is not edits
        comment.refresh_from_db()
        assert comment.text == ("After" if edits else "Before")

    @pytest.mark.parametrize("move", MOVES)
    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_deciding_about_one(
        self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, move: str, client: Client
    ) -> None:
        before = Status.TRASH if move == "restore" else Status.PENDING
        comment = CommentFactory.create(status=before)
        log_in(client, who)
        assert is_refused(client.post(row_button(comment, move))) is not decides
        assert status(comment) == (MOVES[move] if decides else before)

    @pytest.mark.parametrize("move", MOVES)
    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_deciding_in_bulk(
        self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, move: str, client: Client
    ) -> None:
        before = Status.TRASH if move == "restore" else Status.PENDING
        comment = CommentFactory.create(status=before)
        log_in(client, who)
        bulk(client, move, comment)
        assert status(comment) == (MOVES[move] if decides else before)

    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_undoing(self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, client: Client) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        batch = approve([comment], UserFactory.create()).batch
        log_in(client, who)
        assert is_refused(client.post(reverse("admin:comments_comment_undo", args=[batch]))) is not decides
        assert status(comment) == (Status.PENDING if decides else Status.APPROVED)

    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_deleting_for_good(
        self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, client: Client
    ) -> None:
        comment = CommentFactory.create()
        log_in(client, who)
        url = reverse("admin:comments_comment_delete", args=[comment.pk])
        assert is_refused(client.post(url, {"post": "yes"})) is not deletes
        assert Comment.objects.exists() is not deletes

    @pytest.mark.parametrize("who", [row[0] for row in ROLES])
    def test_nobody_adds_comments_here(self, who: str, client: Client) -> None:
        log_in(client, who)
        assert is_refused(client.get(reverse("admin:comments_comment_add")))

    @pytest.mark.parametrize("url", [*MOVES, "undo"])
    def test_nothing_happens_by_following_a_link(self, url: str, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        batch = approve([comment], moderator).batch
        name = f"admin:comments_comment_{url}"
        path = reverse(name, args=[batch if url == "undo" else comment.pk])
        assert client.get(path).status_code == 405
        assert status(comment) == Status.APPROVED

    def test_a_token_is_asked_for(self, moderator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(moderator)
        comment = CommentFactory.create(status=Status.PENDING)
        assert client.post(row_button(comment, "approve")).status_code == 403

    def test_moderators_see_comments_only(self, client: Client, moderator: User) -> None:
        links = [link.get("href") for link in find(read(client.get("/admin/")), "#content a")]
        assert set(links) == {
            "/admin/comments/",
            LIST,
            "/admin/comments/queue/",
            "/admin/comments/decision/",
            "/admin/comments/block/",
            "/admin/comments/block/add/",
            "/admin/comments/notificationpreference/",
        }

    def test_who_only_looks_sees_no_buttons(self, client: Client) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        log_in(client, "viewer")
        for path in (LIST, form(comment)):
            assert find(read(client.get(path)), "button.decide") == []


class TestWords:
    def test_it_says_what_happened(self, client: Client, moderator: User) -> None:
        one_comment = CommentFactory.create(status=Status.PENDING)
        others = CommentFactory.create_batch(2, status=Status.PENDING)
        assert message(bulk(client, "approve", one_comment)) == "1 comment approved."
        assert message(bulk(client, "approve", *others)) == "2 comments approved."
        assert message(bulk(client, "spam", *others)) == "2 comments marked as spam."
        assert message(bulk(client, "trash", *others)) == "2 comments moved to the trash."
        assert message(bulk(client, "restore", *others)) == "2 comments restored."

    @pytest.mark.parametrize(
        ("move", "before", "words"),
        [
            ("approve", Status.APPROVED, "2 comments approved. 1 was already approved."),
            ("spam", Status.SPAM, "2 comments marked as spam. 1 was already spam."),
            ("trash", Status.TRASH, "2 comments moved to the trash. 1 was already in the trash."),
        ],
    )
    def test_a_second_moderator_is_told_what_the_first_did(
        self, move: str, before: Status, words: str, client: Client, moderator: User
    ) -> None:
        waiting = CommentFactory.create_batch(2, status=Status.PENDING)
        assert message(bulk(client, move, CommentFactory.create(status=before), *waiting)) == words

    def test_also_when_nothing_was_left_to_do(self, client: Client, moderator: User) -> None:
        response = bulk(client, "approve", CommentFactory.create())
        assert message(response) == "1 was already approved."
        assert find(read(response), "form.undo") == []


class TestUndo:
    def press(self, client: Client, response: Any) -> Any:
        button = one(read(response), ".messagelist form.undo")
        return client.post(button.get("action"), dict(button.form_values()), follow=True)

    def test_a_button_takes_the_decision_back(self, moderator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(moderator)
        comments = CommentFactory.create_batch(2, status=Status.PENDING)
        token = one(read(client.get(LIST)), "#changelist-form").form_values()
        chosen = {"action": "spam_selected", "_selected_action": [comment.pk for comment in comments]}
        decided = client.post(LIST, {**dict(token), **chosen}, follow=True)
        undone = self.press(client, decided)
        assert message(undone) == "Undone for 2 comments."
        assert [status(comment) for comment in comments] == [Status.PENDING] * 2

    def test_what_somebody_else_decided_since_is_left_and_told(self, client: Client, moderator: User) -> None:
        comments = CommentFactory.create_batch(2, status=Status.PENDING)
        decided = bulk(client, "approve", *comments)
        trash(comments[:1], UserFactory.create())
        assert message(self.press(client, decided)) == (
            "Undone for 1 comment. 1 was left alone because someone has changed its status since."
        )

    def test_it_can_be_undone_itself(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        self.press(client, self.press(client, bulk(client, "approve", comment)))
        assert status(comment) == Status.APPROVED

    def test_unknown_batches_are_no_error(self, client: Client, moderator: User) -> None:
        url = reverse("admin:comments_comment_undo", args=["00000000-0000-0000-0000-000000000000"])
        assert message(client.post(url, follow=True)) == "No comments were changed."

    def test_the_filter_stays(self, client: Client, moderator: User) -> None:
        query = "?status__exact=pending"
        decided = bulk(client, "approve", *CommentFactory.create_batch(2, status=Status.PENDING), query=query)
        assert decided.redirect_chain == [(LIST + query, 302)]
        assert self.press(client, decided).redirect_chain == [(LIST + query, 302)]


class TestList:
    def test_it_shows_what_a_moderator_needs(self, client: Client, moderator: User) -> None:
        post = PostFactory.create(title="A post")
        comment = CommentFactory.create(entry=post, name="Zoë", email="zoe@example.org", text="<b>x</b> " * 100)
        row = one(read(client.get(LIST)), "#result_list tbody tr")
        assert text(one(row, ".field-excerpt")).startswith("<b>x</b> <b>x</b>")
        assert len(text(one(row, ".field-excerpt"))) <= 160
        assert text(one(row, ".field-author")) == "Zoëzoe@example.org"
        link = one(row, ".field-entry_link a")
        assert (text(link), link.get("href")) == ("A post", comment.get_absolute_url())
        assert text(one(row, ".field-status_label")) == "Approved"
        assert "year" in text(one(row, ".field-age"))

    @pytest.mark.parametrize(
        ("before", "offered"),
        [
            (Status.PENDING, ["Approve", "Spam", "Trash"]),
            (Status.APPROVED, ["Spam", "Trash"]),
            (Status.SPAM, ["Approve", "Trash", "Restore"]),
            (Status.TRASH, ["Approve", "Restore"]),
        ],
    )
    def test_each_row_has_the_buttons_that_make_sense(
        self, before: Status, offered: list[str], client: Client, moderator: User
    ) -> None:
        comment = CommentFactory.create(status=before, name="Zoë")
        for path, button in ((LIST, "td button.decide"), (form(comment), "button.decide")):
            buttons = find(read(client.get(path)), button)
            assert [text(found).removeprefix("Save and “").removesuffix("”") for found in buttons] == offered
        labels = [button.get("aria-label") for button in find(read(client.get(LIST)), "td button.decide")]
        assert labels == [f"{name}: comment by Zoë" for name in offered]

    def test_a_button_sends_the_list_s_own_form_and_keeps_the_filter(self, moderator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(moderator)
        comment = CommentFactory.create(status=Status.PENDING)
        page = read(client.get(LIST + "?status__exact=pending"))
        around = one(page, "#changelist-form")
        button = find(around, "td button.approve")[0]
        assert button.get("formmethod") == "post"
        response: Any = client.post(button.get("formaction"), dict(around.form_values()))
        assert response["Location"] == LIST + "?status__exact=pending"
        assert status(comment) == Status.APPROVED

    def test_counts_by_status_stand_above_it(self, client: Client, moderator: User) -> None:
        CommentFactory.create_batch(2, status=Status.PENDING)
        CommentFactory.create(status=Status.SPAM)
        page = read(client.get(LIST + "?status__exact=spam"))
        assert [text(link) for link in find(page, "nav.statuses a")] == [
            "Pending (2)",
            "Approved (0)",
            "Spam (1)",
            "Trash (0)",
            "Moderation queue",
        ]
        assert text(one(page, "nav.statuses [aria-current=page]")) == "Spam (1)"
        assert len(find(page, "#result_list tbody tr")) == 1

    @pytest.mark.parametrize("word", ["zanzibar", "ZANZIBAR"])
    @pytest.mark.parametrize("field", ["name", "email", "text"])
    def test_words_and_people_are_found(self, field: str, word: str, client: Client, moderator: User) -> None:
        CommentFactory.create()
        CommentFactory.create(**{field: "zanzibar@example.org"})
        assert len(find(read(client.get(LIST + f"?q={word}")), "#result_list tbody tr")) == 1

    def test_so_are_titles_of_posts_and_pages(self, client: Client, moderator: User) -> None:
        CommentFactory.create()
        CommentFactory.create(entry=PostFactory.create(title="Zanzibar"))
        CommentFactory.create(entry=PageFactory.create(title="About Zanzibar"))
        assert len(find(read(client.get(LIST + "?q=zanzibar")), "#result_list tbody tr")) == 2

    def test_newest_first(self, client: Client, moderator: User) -> None:
        for name in "ABC":
            CommentFactory.create(name=name, email="")
        assert [text(cell) for cell in find(read(client.get(LIST)), "td.field-author")] == ["C", "B", "A"]

    def test_it_takes_the_same_queries_whatever_its_length(self, client: Client, moderator: User) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as seen:
                client.get(LIST + "?kind__exact=comment")
            return len(seen)

        for entry in ({"entry": PostFactory.create()}, {"entry": PageFactory.create()}):
            CommentFactory.create(**entry, status=Status.PENDING)
        few = queries()
        for number in range(40):
            CommentFactory.create(status=Status.values[number % 4], user=UserFactory.create(), name="")
        assert queries() == few <= 12

    def test_nothing_in_it_is_inline(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create()
        for path in (LIST, form(comment)):
            page = read(client.get(path))
            assert [script for script in find(page, "script") if not script.get("src")] == []
            assert find(page, "style") == []
            assert page.xpath("//@style | //@onclick | //@onsubmit") == []


class TestForm:
    def typed(self, **more: str) -> dict[str, str]:
        return {"text": "New\n\nwords", "name": "N", "email": "n@example.org", "website": "", **more}

    def test_what_a_reader_typed_can_be_edited_and_is_rendered_anew(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create()
        client.post(form(comment), self.typed())
        comment.refresh_from_db()
        assert comment.html == '<p dir="auto">New</p>\n<p dir="auto">words</p>'
        assert (comment.name, comment.email) == ("N", "n@example.org")

    def test_nothing_else_can(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        other = PostFactory.create()
        client.post(form(comment), self.typed(status="approved", entry=str(other.pk), kind="pingback", is_html="on"))
        stored = Comment.objects.get()
        assert (stored.status, stored.entry, stored.kind, stored.is_html) == (
            "pending",
            comment.entry,
            "comment",
            False,
        )

    def test_saving_does_not_take_back_what_another_decides_meanwhile(
        self, client: Client, moderator: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        save = Comment.save

        def decided_just_before(self: Comment, **kwargs: Any) -> None:
            approve([self], UserFactory.create())
            save(self, **kwargs)

        monkeypatch.setattr(Comment, "save", decided_just_before)
        client.post(form(comment), self.typed())
        assert status(comment) == Status.APPROVED

    @pytest.mark.parametrize("move", MOVES)
    def test_a_decision_saves_first(self, move: str, client: Client, moderator: User) -> None:
        before = Status.TRASH if move == "restore" else Status.PENDING
        comment = CommentFactory.create(status=before)
        response: Any = client.post(form(comment), self.typed(**{f"_{move}": "1"}))
        assert response["Location"] == form(comment)
        comment.refresh_from_db()
        assert (comment.text, comment.status) == ("New\n\nwords", MOVES[move])
        assert Decision.objects.get().moderator == moderator

    def test_the_enter_key_saves_and_decides_nothing(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        buttons = one(read(client.get(form(comment))), "#comment_form").xpath(".//input[@type='submit'] | .//button")
        assert buttons[0].get("name") == "_save"

    def test_its_history_says_who_decided_what(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        approve([comment], moderator)
        trash([comment], UserFactory.create(display_name="Bo"))
        lines = [text(line) for line in find(read(client.get(form(comment))), ".field-history li")]
        assert [line.split(" – ")[1] for line in lines] == [
            "Bo: Approved → Trash",
            "Mo: Pending → Approved",
        ]

    def test_its_history_has_the_earlier_text(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(text="<b>Before</b>")
        client.post(form(comment), self.typed())
        line = text(one(read(client.get(form(comment))), ".field-history li"))
        assert line.endswith("Mo: changed the text, which was: <b>Before</b>")


class TestOvertaken:
    """What a moderator saw is sent along. If somebody has changed it meanwhile, nothing of theirs is overwritten."""

    @staticmethod
    def seen(comment: Comment) -> str:
        return f"{comment.pk}:{comment.mark}"

    @pytest.mark.parametrize("move", ["spam", "trash"])
    def test_in_the_list_by_button_and_in_bulk(self, move: str, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        sent = dict(one(read(client.get(LIST)), "#changelist-form").form_values())
        approve([comment], UserFactory.create(display_name="Anna"))
        told = message(client.post(row_button(comment, move), sent, follow=True))
        assert told == "Someone else changed this first, so nothing was overwritten. Anna approved it 1 second ago."
        chosen = {"action": f"{move}_selected", "_selected_action": [comment.pk], "seen": sent["seen"]}
        assert message(client.post(LIST, chosen, follow=True)) == told
        assert status(comment) == Status.APPROVED

    def test_a_form_is_refused_once_and_says_what_happened(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(text="Before")
        page = one(read(client.get(form(comment))), "#comment_form")
        sent = {**dict(page.form_values()), "text": "Mine"}
        edit(comment, {"text": "Theirs <i>"}, UserFactory.create(display_name="Anna"))
        refused = read(client.post(form(comment), sent))
        assert "Anna changed the text 1 second ago." in text(one(refused, "ul.errorlist"))
        assert "Save again to overwrite this text: Theirs <i>" in text(one(refused, "ul.errorlist"))
        again = dict(one(refused, "#comment_form").form_values())
        # Browsers leave out the line end that stands first in a text area.
        assert again["text"] == "\nMine"
        comment.refresh_from_db()
        assert comment.text == "Theirs <i>"
        client.post(form(comment), again)
        comment.refresh_from_db()
        assert comment.text == "Mine"
        assert list(comment.revisions.order_by("pk").values_list("text", flat=True)) == ["Before", "Theirs <i>"]

    def test_also_when_only_the_status_changed(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING, text="Before")
        sent = {**dict(one(read(client.get(form(comment))), "#comment_form").form_values()), "_approve": "1"}
        mark_spam([comment], UserFactory.create(display_name="Anna"))
        assert "Anna marked it as spam" in text(one(read(client.post(form(comment), sent)), "ul.errorlist"))
        assert status(comment) == Status.SPAM

    @pytest.mark.parametrize("seen", ["x", "1", ":", "1:", "-1:a", "²:a", "9" * 30 + ":a", "1:a 2", "\0"])
    def test_hostile_marks_are_no_error(self, seen: str, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(pk=7, status=Status.PENDING)
        assert client.post(row_button(comment, "spam"), {"seen": seen}).status_code == 302
        assert status(comment) == Status.SPAM


class TestLog:
    LOG = "/admin/comments/decision/"

    def test_every_decision_stands_in_it_by_whom_and_from_what(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING, name="<b>Zoë</b>")
        approve([comment], moderator)
        trash([comment], UserFactory.create(display_name="Bo"))
        rows = find(read(client.get(self.LOG)), "#result_list tbody tr")
        assert [[text(cell) for cell in find(row, "td")][-3:] for row in rows] == [
            ["Bo", "Approved → Trash", f"Comment {comment.pk}: <b>Zoë</b>"],
            ["Mo", "Pending → Approved", f"Comment {comment.pk}: <b>Zoë</b>"],
        ]
        by_one = read(client.get(f"{self.LOG}?moderator__id__exact={moderator.pk}"))
        assert len(find(by_one, "#result_list tbody tr")) == 1

    @pytest.mark.parametrize("who", [row[0] for row in TestWhoMayDoWhat.ROLES])
    def test_who_may_moderate_reads_it_and_nobody_changes_it(self, who: str, client: Client) -> None:
        approve([CommentFactory.create(status=Status.PENDING)], UserFactory.create())
        decision = Decision.objects.get()
        log_in(client, who)
        may = who in {"Editor", "Moderator", "superuser"}
        assert is_refused(client.get(self.LOG)) is not may
        for path in ("add/", f"{decision.pk}/change/"):
            assert is_refused(client.post(self.LOG + path, {"became": "spam"}))

    def test_its_length_makes_no_difference(self, client: Client, moderator: User) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as seen:
                client.get(self.LOG)
            return len(seen)

        approve(CommentFactory.create_batch(2, status=Status.PENDING), moderator)
        few = queries()
        for _ in range(10):
            user = UserFactory.create()
            approve([CommentFactory.create(status=Status.PENDING, user=user, name="")], user)
        assert queries() == few


class TestDeleting:
    def test_what_was_decided_goes_with_it(self, client: Client) -> None:
        log_in(client, "superuser")
        comment = CommentFactory.create(status=Status.PENDING)
        approve([comment], UserFactory.create())
        client.post(reverse("admin:comments_comment_delete", args=[comment.pk]), {"post": "yes"})
        assert not Comment.objects.exists()

    def test_counts_follow(self, client: Client) -> None:
        log_in(client, "superuser")
        post = PostFactory.create()
        comments = CommentFactory.create_batch(3, entry=post)
        client.post(reverse("admin:comments_comment_delete", args=[comments[0].pk]), {"post": "yes"})
        assert Post.objects.get().comment_count == 2
        chosen = {"action": "delete_selected", "post": "yes", "_selected_action": [comments[1].pk]}
        client.post(LIST, chosen)
        assert Post.objects.get().comment_count == 1
