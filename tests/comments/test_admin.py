"""Comments and the log of decisions in the admin."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from blog.models import Post
from comments.models import Comment, CommentSettings, Decision
from comments.models import CommentStatus as Status
from comments.moderation.decisions import approve, edit, mark_spam, trash
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.admin import is_refused, log_in
from tests.factories.comments import status
from tests.factories.database import executed_statements
from tests.factories.responses import find, message, one, read, text

pytestmark = pytest.mark.django_db

LIST = "/admin/comments/comment/"
# The status after each decision, and before it, if that isn't pending.
DECISIONS = {
    "approve": Status.APPROVED,
    "unapprove": Status.PENDING,
    "spam": Status.SPAM,
    "trash": Status.TRASH,
    "restore": Status.PENDING,
}
BEFORE = {"unapprove": Status.APPROVED, "restore": Status.TRASH}


def decide_url(comment: Comment, action: str) -> str:
    return reverse(f"admin:comments_comment_{action}", args=[comment.pk])


def form(comment: Comment) -> str:
    return reverse("admin:comments_comment_change", args=[comment.pk])


def decide_in_bulk(client: Client, action: str, *comments: Comment, query: str = "") -> Any:
    data = {"action": f"{action}_selected", "_selected_action": [comment.pk for comment in comments]}
    return client.post(LIST + query, data, follow=True)


class TestPermissions:
    """Each row of ROLES says whether someone may view, edit, decide and delete."""

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
    def test_viewing_and_editing(
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

    @pytest.mark.parametrize("action", DECISIONS)
    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_deciding_about_one_comment(
        self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, action: str, client: Client
    ) -> None:
        before = BEFORE.get(action, Status.PENDING)
        comment = CommentFactory.create(status=before)
        log_in(client, who)
        assert is_refused(client.post(decide_url(comment, action))) is not decides
        assert status(comment) == (DECISIONS[action] if decides else before)

    @pytest.mark.parametrize("action", DECISIONS)
    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_deciding_in_bulk(
        self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, action: str, client: Client
    ) -> None:
        before = BEFORE.get(action, Status.PENDING)
        comment = CommentFactory.create(status=before)
        log_in(client, who)
        decide_in_bulk(client, action, comment)
        assert status(comment) == (DECISIONS[action] if decides else before)

    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_undoing(self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, client: Client) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        batch = approve([comment], UserFactory.create()).batch
        log_in(client, who)
        assert is_refused(client.post(reverse("admin:comments_comment_undo", args=[batch]))) is not decides
        assert status(comment) == (Status.PENDING if decides else Status.APPROVED)

    @pytest.mark.parametrize(("who", "sees", "edits", "decides", "deletes"), ROLES)
    def test_deleting_permanently(
        self, who: str, sees: bool, edits: bool, decides: bool, deletes: bool, client: Client
    ) -> None:
        comment = CommentFactory.create()
        log_in(client, who)
        url = reverse("admin:comments_comment_delete", args=[comment.pk])
        assert is_refused(client.post(url, {"post": "yes"})) is not deletes
        assert Comment.objects.exists() is not deletes

    @pytest.mark.parametrize("who", [row[0] for row in ROLES])
    def test_comments_cannot_be_added(self, who: str, client: Client) -> None:
        log_in(client, who)
        assert is_refused(client.get(reverse("admin:comments_comment_add")))

    @pytest.mark.parametrize("url", [*DECISIONS, "undo"])
    def test_get_requests_change_nothing(self, url: str, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        batch = approve([comment], moderator).batch
        name = f"admin:comments_comment_{url}"
        path = reverse(name, args=[batch if url == "undo" else comment.pk])
        assert client.get(path).status_code == 405
        assert status(comment) == Status.APPROVED

    def test_a_csrf_token_is_required(self, moderator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(moderator)
        comment = CommentFactory.create(status=Status.PENDING)
        assert client.post(decide_url(comment, "approve")).status_code == 403

    def test_users_who_may_only_view_see_no_buttons(self, client: Client) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        log_in(client, "viewer")
        for path in (LIST, form(comment)):
            assert find(read(client.get(path)), "button.decide") == []


class TestMessages:
    def test_they_say_what_happened(self, client: Client, moderator: User) -> None:
        one_comment = CommentFactory.create(status=Status.PENDING)
        others = CommentFactory.create_batch(2, status=Status.PENDING)
        assert message(decide_in_bulk(client, "approve", one_comment)) == "1 comment approved."
        assert message(decide_in_bulk(client, "approve", *others)) == "2 comments approved."
        assert message(decide_in_bulk(client, "spam", *others)) == "2 comments marked as spam."
        assert message(decide_in_bulk(client, "trash", *others)) == "2 comments moved to the trash."
        assert message(decide_in_bulk(client, "restore", *others)) == "2 comments restored."

    @pytest.mark.parametrize(
        ("action", "before", "expected"),
        [
            ("approve", Status.APPROVED, "2 comments approved. 1 was already approved."),
            ("spam", Status.SPAM, "2 comments marked as spam. 1 was already spam."),
            ("trash", Status.TRASH, "2 comments moved to the trash. 1 was already in the trash."),
        ],
    )
    def test_comments_already_decided_are_counted_separately(
        self, action: str, before: Status, expected: str, client: Client, moderator: User
    ) -> None:
        pending = CommentFactory.create_batch(2, status=Status.PENDING)
        assert message(decide_in_bulk(client, action, CommentFactory.create(status=before), *pending)) == expected

    def test_there_is_no_undo_button_if_nothing_changed(self, client: Client, moderator: User) -> None:
        response = decide_in_bulk(client, "approve", CommentFactory.create())
        assert message(response) == "1 was already approved."
        assert find(read(response), "form.undo") == []


def test_a_bulk_decision_about_all_comments_loads_only_the_columns_it_needs(client: Client, moderator: User) -> None:
    comments = CommentFactory.create_batch(2, status=Status.PENDING)
    data = {"action": "spam_selected", "select_across": "1", "_selected_action": [comments[0].pk]}
    with CaptureQueriesContext(connection) as queries:
        client.post(LIST, data)
    assert [status(comment) for comment in comments] == [Status.SPAM] * 2
    assert not any('"comments_comment"."reasons"' in query["sql"] for query in queries)


class TestUndo:
    def press(self, client: Client, response: Any) -> Any:
        button = one(read(response), ".messagelist form.undo")
        return client.post(button.get("action"), dict(button.form_values()), follow=True)

    def test_a_button_undoes_the_decision(self, moderator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(moderator)
        comments = CommentFactory.create_batch(2, status=Status.PENDING)
        token = one(read(client.get(LIST)), "#changelist-form").form_values()
        data = {"action": "spam_selected", "_selected_action": [comment.pk for comment in comments]}
        decided = client.post(LIST, {**dict(token), **data}, follow=True)
        undone = self.press(client, decided)
        assert message(undone) == "Undone for 2 comments."
        assert [status(comment) for comment in comments] == [Status.PENDING] * 2

    def test_comments_decided_by_someone_else_are_left_alone_and_reported(
        self, client: Client, moderator: User
    ) -> None:
        comments = CommentFactory.create_batch(2, status=Status.PENDING)
        decided = decide_in_bulk(client, "approve", *comments)
        trash(comments[:1], UserFactory.create())
        assert message(self.press(client, decided)) == (
            "Undone for 1 comment. 1 was left alone because someone has changed its status since."
        )

    def test_an_undo_can_be_undone(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        self.press(client, self.press(client, decide_in_bulk(client, "approve", comment)))
        assert status(comment) == Status.APPROVED

    def test_an_unknown_batch_changes_nothing(self, client: Client, moderator: User) -> None:
        url = reverse("admin:comments_comment_undo", args=["00000000-0000-0000-0000-000000000000"])
        assert message(client.post(url, follow=True)) == "No comments were changed."

    def test_the_filter_of_the_list_is_kept(self, client: Client, moderator: User) -> None:
        query = "?status__exact=pending"
        decided = decide_in_bulk(client, "approve", *CommentFactory.create_batch(2, status=Status.PENDING), query=query)
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

    def test_each_text_has_its_own_direction(self, client: Client, moderator: User) -> None:
        CommentFactory.create(entry=PostFactory.create(title="عنوان."), name="ليلى", email="", text="نص.")
        row = one(read(client.get(LIST)), "#result_list tbody tr")
        assert [text(found) for found in find(row, "bdi")] == ["نص.", "ليلى", "عنوان."]

    @pytest.mark.parametrize(
        ("before", "offered"),
        [
            (Status.PENDING, ["Approve", "Spam", "Trash"]),
            (Status.APPROVED, ["Unapprove", "Spam", "Trash"]),
            (Status.SPAM, ["Approve", "Trash", "Restore"]),
            (Status.TRASH, ["Approve", "Restore"]),
        ],
    )
    def test_each_row_has_buttons_for_the_possible_decisions(
        self, before: Status, offered: list[str], client: Client, moderator: User
    ) -> None:
        comment = CommentFactory.create(status=before, name="Zoë")
        for path, button in ((LIST, "td button.decide"), (form(comment), "button.decide")):
            buttons = find(read(client.get(path)), button)
            assert [text(found).removeprefix("Save and “").removesuffix("”") for found in buttons] == offered
        labels = [button.get("aria-label") for button in find(read(client.get(LIST)), "td button.decide")]
        assert labels == [f"{name}: comment by Zoë" for name in offered]

    def test_a_button_submits_the_form_of_the_list_and_keeps_the_filter(self, moderator: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(moderator)
        comment = CommentFactory.create(status=Status.PENDING)
        page = read(client.get(LIST + "?status__exact=pending"))
        list_form = one(page, "#changelist-form")
        button = find(list_form, "td button.approve")[0]
        assert button.get("formmethod") == "post"
        response: Any = client.post(button.get("formaction"), dict(list_form.form_values()))
        assert response["Location"] == LIST + "?status__exact=pending"
        assert status(comment) == Status.APPROVED

    def test_counts_by_status_are_shown_above_it(self, client: Client, moderator: User) -> None:
        CommentFactory.create_batch(2, status=Status.PENDING)
        CommentFactory.create(status=Status.SPAM)
        page = read(client.get(LIST + "?status__exact=spam"))
        tabs = [text(link) for link in find(page, ".tabs a")]
        assert tabs == ["All 3", "Pending 2", "Approved 0", "Spam 1", "Trash 0"]
        assert text(one(page, ".tabs [aria-current=page]")) == "Spam 1"
        assert len(find(page, "#result_list tbody tr")) == 1

    @pytest.mark.parametrize("word", ["zanzibar", "ZANZIBAR"])
    @pytest.mark.parametrize("field", ["name", "email", "text"])
    def test_search_finds_text_and_people(self, field: str, word: str, client: Client, moderator: User) -> None:
        CommentFactory.create()
        CommentFactory.create(**{field: "zanzibar@example.org"})
        assert len(find(read(client.get(LIST + f"?q={word}")), "#result_list tbody tr")) == 1

    def test_search_ignores_the_case_of_all_letters(self, client: Client, moderator: User) -> None:
        CommentFactory.create()
        CommentFactory.create(name="Élodie")
        assert len(find(read(client.get(LIST, {"q": "élodie"})), "#result_list tbody tr")) == 1

    def test_search_finds_titles_of_posts_and_pages(self, client: Client, moderator: User) -> None:
        CommentFactory.create()
        CommentFactory.create(entry=PostFactory.create(title="Zanzibar"))
        CommentFactory.create(entry=PageFactory.create(title="About Zanzibar"))
        assert len(find(read(client.get(LIST + "?q=zanzibar")), "#result_list tbody tr")) == 2

    def test_search_finds_forms_of_words_and_parts_only_of_comments_that_are_not_public(
        self, client: Client, moderator: User
    ) -> None:
        for state in (Status.APPROVED, Status.PENDING):
            CommentFactory.create(text="Two prisons.", name=state, status=state)
        for query, names in (
            ("prison", {"pending", "approved"}),
            ("rison", {"pending"}),
            ("prisons&status__exact=approved", {"approved"}),
        ):
            cells = find(read(client.get(f"{LIST}?q={query}")), "#result_list td.field-author bdi")
            assert {text(cell) for cell in cells} == names

    def test_it_is_filtered_by_year_and_month(self, client: Client, moderator: User) -> None:
        for name, when in (("may", at(2019, 5, 31)), ("october", at(2019, 10, 1)), ("later", at(2021, 1, 1))):
            CommentFactory.create(name=name, created_at=when)
        for query, names in (("2019", ["october", "may"]), ("2019-05", ["may"]), ("2020", [])):
            page = read(client.get(f"{LIST}?date={query}"))
            assert [text(name) for name in find(page, "#result_list td.field-author bdi")] == names
        offered = client.get(f"{LIST}?date=2019-05").context["cl"].filters[-1].lookup_choices
        assert [label for _value, label in offered[:5]] == ["2021", "2020", "2019", "December 2019", "November 2019"]

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="Reads SQLite's plans.")
    @pytest.mark.parametrize(
        "query", ["", "?p=2", "?status__exact=pending", "?date=2019", "?q=words", "?q=words&status__exact=spam"]
    )
    def test_no_query_reads_or_sorts_all_comments(self, query: str, client: Client, moderator: User) -> None:
        CommentFactory.create_batch(60)
        client.get(LIST)
        with executed_statements() as statements:
            client.get(LIST + query)
        about_all = [each for each in statements if '"comments_comment"' in each[0] and '"id" = ' not in each[0]]
        assert len(about_all) >= 3
        with connection.cursor() as cursor:
            for sql, parameters in about_all:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
                steps = [row[3] for row in cursor.fetchall()]
                assert not any(step == "SCAN comments_comment" for step in steps), (sql, steps)
                is_small = "?q" in query or '"id" IN' in sql
                assert is_small or not any("TEMP B-TREE FOR ORDER" in step for step in steps), (sql, steps)

    def test_the_newest_comments_come_first(self, client: Client, moderator: User) -> None:
        for name in "ABC":
            CommentFactory.create(name=name, email="")
        assert [text(cell) for cell in find(read(client.get(LIST)), "td.field-author")] == ["C", "B", "A"]

    def test_the_number_of_queries_does_not_depend_on_its_length(self, client: Client, moderator: User) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as seen:
                client.get(LIST + "?kind__exact=comment")
            return len(seen)

        for entry in ({"entry": PostFactory.create()}, {"entry": PageFactory.create()}):
            CommentFactory.create(**entry, status=Status.PENDING)
        expected = queries()
        for index in range(40):
            CommentFactory.create(status=Status.values[index % 4], user=UserFactory.create(), name="")
        assert queries() == expected <= 9

    def test_there_are_no_inline_scripts_or_styles(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create()
        for path in (LIST, form(comment)):
            page = read(client.get(path))
            assert [script for script in find(page, "script") if not script.get("src")] == []
            assert find(page, "style") == []
            assert page.xpath("//@style | //@onclick | //@onsubmit") == []


class TestForm:
    def fields(self, **more: str) -> dict[str, str]:
        return {"text": "New\n\ntext", "name": "N", "email": "n@example.org", "website": "", **more}

    def test_the_readers_fields_can_be_edited_and_are_rendered_again(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create()
        client.post(form(comment), self.fields())
        comment.refresh_from_db()
        assert comment.html == '<p dir="auto">New</p>\n<p dir="auto">text</p>'
        assert (comment.name, comment.email) == ("N", "n@example.org")

    def test_no_other_fields_can_be_edited(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        other = PostFactory.create()
        client.post(form(comment), self.fields(status="approved", entry=str(other.pk), kind="pingback", is_html="on"))
        stored = Comment.objects.get()
        assert (stored.status, stored.entry, stored.kind, stored.is_html) == (
            "pending",
            comment.entry,
            "comment",
            False,
        )

    def test_saving_does_not_revert_a_concurrent_decision(
        self, client: Client, moderator: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        save = Comment.save

        def decide_before_saving(self: Comment, **kwargs: Any) -> None:
            approve([self], UserFactory.create())
            save(self, **kwargs)

        monkeypatch.setattr(Comment, "save", decide_before_saving)
        client.post(form(comment), self.fields())
        assert status(comment) == Status.APPROVED

    @pytest.mark.parametrize("action", DECISIONS)
    def test_a_decision_saves_first(self, action: str, client: Client, moderator: User) -> None:
        before = BEFORE.get(action, Status.PENDING)
        comment = CommentFactory.create(status=before)
        response: Any = client.post(form(comment), self.fields(**{f"_{action}": "1"}))
        assert response["Location"] == form(comment)
        comment.refresh_from_db()
        assert (comment.text, comment.status) == ("New\n\ntext", DECISIONS[action])
        assert Decision.objects.get().moderator == moderator

    def test_the_enter_key_saves_without_deciding(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        buttons = one(read(client.get(form(comment))), "#comment_form").xpath(".//input[@type='submit'] | .//button")
        assert buttons[0].get("name") == "_save"

    @pytest.mark.parametrize("hidden", [Status.SPAM, Status.TRASH])
    def test_it_says_when_spam_and_trash_will_be_deleted(self, client: Client, moderator: User, hidden: Status) -> None:
        CommentSettings.objects.update(keep_spam_days=10)
        comment = CommentFactory.create(status=hidden, status_since=at(2026, 11, 20))
        page = read(client.get(form(comment)))
        assert "It will be deleted after 30 November 2026." in text(one(page, ".field-status_and_deletion"))
        for seen in (Status.PENDING, Status.APPROVED):
            Comment.objects.update(status=seen)
            page = read(client.get(form(comment)))
            assert text(one(page, ".field-status_and_deletion .readonly")) == seen.label

    def test_it_has_the_url_and_the_year_and_the_time_zone_of_the_time(
        self, client: Client, moderator: User, settings: Settings
    ) -> None:
        settings.TIME_ZONE = "Europe/Amsterdam"
        comment = CommentFactory.create(created_at=dt.datetime(timezone.now().year, 7, 1, 10, tzinfo=dt.UTC))
        page = read(client.get(form(comment)))
        assert text(one(page, ".field-url .readonly")) == f"{settings.SITE_URL}{comment.get_absolute_url()}"
        submitted = text(one(page, ".field-submitted .readonly"))
        assert submitted.endswith(f" 1 July {timezone.now().year}, 12:00 (UTC+02:00)")

    def test_the_history_shows_who_decided_what(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        approve([comment], moderator)
        trash([comment], UserFactory.create(display_name="Bo"))
        lines = [text(line) for line in find(read(client.get(form(comment))), ".field-history li")]
        assert [line.split(" – ")[1] for line in lines] == [
            "Bo: Approved → Trash",
            "Mo: Pending → Approved",
        ]

    def test_the_history_shows_the_earlier_text(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(text="<b>Before</b>")
        client.post(form(comment), self.fields())
        line = text(one(read(client.get(form(comment))), ".field-history li"))
        assert line.endswith("Mo: changed the text, which was: <b>Before</b>")


class TestOvertaken:
    """Forms send what the moderator saw, so that changes made by others since then are not overwritten."""

    @staticmethod
    def seen(comment: Comment) -> str:
        return f"{comment.pk}:{comment.mark}"

    @pytest.mark.usefixtures("a_second_ago")
    @pytest.mark.parametrize("action", ["spam", "trash"])
    def test_buttons_and_bulk_actions_in_the_list(self, action: str, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING)
        sent = dict(one(read(client.get(LIST)), "#changelist-form").form_values())
        approve([comment], UserFactory.create(display_name="Anna"))
        warning = message(client.post(decide_url(comment, action), sent, follow=True))
        assert warning == "Someone else changed this first, so nothing was overwritten. Anna approved it 1 second ago."
        data = {"action": f"{action}_selected", "_selected_action": [comment.pk], "seen": sent["seen"]}
        assert message(client.post(LIST, data, follow=True)) == warning
        assert status(comment) == Status.APPROVED

    @pytest.mark.usefixtures("a_second_ago")
    def test_the_form_refuses_to_save_once_and_says_what_happened(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(text="Before")
        page = one(read(client.get(form(comment))), "#comment_form")
        sent = {**dict(page.form_values()), "text": "Mine"}
        edit(comment, {"text": "Theirs <i>"}, UserFactory.create(display_name="Anna"))
        refused = read(client.post(form(comment), sent))
        assert "Anna changed the text 1 second ago." in text(one(refused, "ul.errorlist"))
        assert "Save again to overwrite this text: Theirs <i>" in text(one(refused, "ul.errorlist"))
        again = dict(one(refused, "#comment_form").form_values())
        # Browsers ignore a line break at the start of a text area.
        assert again["text"] == "\nMine"
        comment.refresh_from_db()
        assert comment.text == "Theirs <i>"
        client.post(form(comment), again)
        comment.refresh_from_db()
        assert comment.text == "Mine"
        assert list(comment.revisions.order_by("pk").values_list("text", flat=True)) == ["Before", "Theirs <i>"]

    def test_the_form_also_refuses_if_only_the_status_changed(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING, text="Before")
        sent = {**dict(one(read(client.get(form(comment))), "#comment_form").form_values()), "_approve": "1"}
        mark_spam([comment], UserFactory.create(display_name="Anna"))
        assert "Anna marked it as spam" in text(one(read(client.post(form(comment), sent)), "ul.errorlist"))
        assert status(comment) == Status.SPAM

    @pytest.mark.parametrize("seen", ["x", "1", ":", "1:", "-1:a", "²:a", "9" * 30 + ":a", "1:a 2", "\0"])
    def test_malformed_marks_are_ignored(self, seen: str, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(pk=7, status=Status.PENDING)
        assert client.post(decide_url(comment, "spam"), {"seen": seen}).status_code == 302
        assert status(comment) == Status.SPAM


class TestLog:
    LOG = "/admin/comments/decision/"

    def test_it_shows_each_decision_with_its_moderator_and_statuses(self, client: Client, moderator: User) -> None:
        comment = CommentFactory.create(status=Status.PENDING, name="<b>Zoë</b>")
        approve([comment], moderator)
        trash([comment], UserFactory.create(display_name="Bo"))
        rows = find(read(client.get(self.LOG)), "#result_list tbody tr")
        assert [[text(cell) for cell in find(row, "td")][-3:] for row in rows] == [
            ["Bo", "Approved → Trash", f"Comment {comment.pk}: <b>Zoë</b>"],
            ["Mo", "Pending → Approved", f"Comment {comment.pk}: <b>Zoë</b>"],
        ]
        filtered = read(client.get(f"{self.LOG}?moderator__id__exact={moderator.pk}"))
        assert len(find(filtered, "#result_list tbody tr")) == 1

    @pytest.mark.parametrize("who", [row[0] for row in TestPermissions.ROLES])
    def test_moderators_can_read_it_and_no_one_can_change_it(self, who: str, client: Client) -> None:
        approve([CommentFactory.create(status=Status.PENDING)], UserFactory.create())
        decision = Decision.objects.get()
        log_in(client, who)
        may = who in {"Editor", "Moderator", "superuser"}
        assert is_refused(client.get(self.LOG)) is not may
        for path in ("add/", f"{decision.pk}/change/"):
            assert is_refused(client.post(self.LOG + path, {"became": "spam"}))

    def test_the_number_of_queries_does_not_depend_on_its_length(self, client: Client, moderator: User) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as seen:
                client.get(self.LOG)
            return len(seen)

        approve(CommentFactory.create_batch(2, status=Status.PENDING), moderator)
        expected = queries()
        for _ in range(10):
            user = UserFactory.create()
            approve([CommentFactory.create(status=Status.PENDING, user=user, name="")], user)
        assert queries() == expected


class TestDeleting:
    def test_decisions_are_deleted_with_the_comment(self, client: Client) -> None:
        log_in(client, "superuser")
        comment = CommentFactory.create(status=Status.PENDING)
        approve([comment], UserFactory.create())
        client.post(reverse("admin:comments_comment_delete", args=[comment.pk]), {"post": "yes"})
        assert not Comment.objects.exists()

    def test_comment_counts_are_updated(self, client: Client) -> None:
        log_in(client, "superuser")
        post = PostFactory.create()
        comments = CommentFactory.create_batch(3, entry=post)
        client.post(reverse("admin:comments_comment_delete", args=[comments[0].pk]), {"post": "yes"})
        assert Post.objects.get().comment_count == 2
        data = {"action": "delete_selected", "post": "yes", "_selected_action": [comments[1].pk]}
        client.post(LIST, data)
        assert Post.objects.get().comment_count == 1
