"""What the audit log records about accounts and objects, and what it never contains."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import factors, throttle
from accounts.actions import Action
from accounts.audit import recording
from accounts.audit.reading import with_people
from accounts.audit.titles import titles
from accounts.models import AuditRecord, User
from accounts.password_links import Kind, make_link
from blog.models import Category, Post, Status
from blog.publishing import publish, trash
from comments.models import Block
from media.models import Picture
from tests.factories import CategoryFactory, CommentFactory, PostFactory, TagFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data, user_in_role
from tests.factories.types import Work

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-password-7"
NEW_PASSWORD = "plenty of words here"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def owner() -> User:
    user: User = UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    return user


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", email="amina@example.org", password=PASSWORD, role="Editor")
    return user


def logged(**conditions: Any) -> list[tuple[str, str]]:
    """Return the role and text of each record except log-ins, oldest first."""
    records = AuditRecord.objects.filter(**conditions).exclude(action=Action.LOGGED_IN).order_by("pk")
    return [(record.role, record.text) for record in records]


def log_in(client: Client, name: str, password: str = PASSWORD, sender: str = "192.0.2.1") -> Any:
    data = {"username": name, "password": password}
    return client.post("/admin/login/", data, REMOTE_ADDR=sender, headers={"User-Agent": FIREFOX})


class TestLoggingIn:
    def test_logging_in_and_out_is_recorded_with_the_name_of_the_browser(self, amina: User) -> None:
        client = Client()
        log_in(client, "amina")
        client.post("/admin/logout/")
        records = AuditRecord.objects.order_by("pk")
        assert [record.text for record in records] == [
            "Logged in: Firefox on Windows",
            "Logged out",
        ]
        for record in with_people(records):
            assert (record.person_id, record.role, record.who, record.what) == (
                amina.pk,
                "Editor",
                str(amina),
                str(amina),
            )
            assert (timezone.now() - record.at).total_seconds() < 60

    def test_failed_attempts_are_counted_by_account_and_hour(self, amina: User) -> None:
        for _ in range(3):
            log_in(Client(), "amina", "wrong")
        log_in(Client(), "amina@example.org", "wrong")
        (record,) = AuditRecord.objects.all()
        assert (record.kind, record.object_id, record.count) == (AuditRecord.PERSON, str(amina.pk), 4)
        assert record.text == "Failed login attempts: 4 times within an hour"
        assert (record.person_id, record.role) == (None, "")
        assert record.at == timezone.now().replace(minute=0, second=0, microsecond=0)

    def test_attempts_with_unknown_names_share_one_record_without_the_names(self, amina: User) -> None:
        for name in ("nobody", "my-secret-password", "amina@example.net"):
            log_in(Client(), name, "wrong")
        (record,) = AuditRecord.objects.all()
        assert (record.kind, record.object_id, record.title, record.details, record.count) == ("", "", "", "", 3)

    def test_hostile_requests_cannot_fill_the_log(self, amina: User) -> None:
        for number in range(60):
            log_in(Client(), f"name-{number}", "wrong", sender=f"198.51.100.{number}")
            log_in(Client(), "amina", "wrong", sender=f"198.51.100.{number}")
        assert AuditRecord.objects.count() == 2
        # Guesses that are refused unchecked are not counted, so they cost no writes.
        assert AuditRecord.objects.get(object_id=str(amina.pk)).count == 60
        throttle._counters.clear()

    def test_a_wrong_code_is_a_failed_attempt(self, amina: User) -> None:
        with CaptureQueriesContext(connection):
            client = client_of(amina)
            session = client.session
            session["confirmed_at"] = 0
            session.save()
            client.post("/admin/account/confirm/", {"password": "wrong"})
        assert logged() == [("", "Failed login attempts: 1 time within an hour")]

    def test_requests_for_password_links_are_counted_if_the_account_exists(self, amina: User, work: Work) -> None:
        for name in ("amina", "amina", "nobody"):
            Client().post("/admin/password/forgotten/", {"name": name})
        work()
        assert logged() == [("", "Requested a password reset link: 2 times within an hour")]

    def test_counting_takes_the_same_statements_for_any_name(self, amina: User) -> None:
        seen = set()
        for account in (amina, None, amina, None):
            with CaptureQueriesContext(connection) as queries:
                recording.count(Action.LOGIN_FAILED, account)
            seen.add(len(queries))
        assert len(seen) == 1


class TestAccounts:
    def about(self, person: User) -> list[tuple[str, str]]:
        return logged(kind=AuditRecord.PERSON, object_id=str(person.pk))

    def test_actions_of_owners_on_other_accounts(self, owner: User) -> None:
        client = client_of(owner)
        client.post("/admin/accounts/user/add/", {"display_name": "Rosa Pen", "email": "", "role": "Author"})
        rosa = User.objects.get(display_name="Rosa Pen")
        url = f"/admin/accounts/user/{rosa.pk}/"
        fields = ("display_name", "slug", "bio", "username", "first_name", "last_name", "email")
        data = {name: getattr(rosa, name) for name in fields}
        client.post(f"{url}change/", {**data, "bio": "Writes.", "role": "Editor"})
        client.post(f"{url}link/", {"display_name": "Rosa Pen", "email": "", "role": "Editor"})
        User.objects.filter(pk=rosa.pk).update(password=owner.password)
        client.post(f"{url}link/")
        client.post(f"{url}help/", {"factors": "1"})
        client.post(f"{url}help/")
        client.post(f"{url}offboard/", {"confirm": "1"})
        client.post(f"{url}reactivate/")
        assert self.about(rosa) == [
            ("Owner", "Invited"),
            ("Owner", "Changed the role: No role → Author"),
            ("Owner", "Changed the role: Author → Editor"),
            ("Owner", "Changed: Biography"),
            ("Owner", "Invited"),
            ("Owner", "Created a link to set a password"),
            ("Owner", "Removed a login method: All passkeys and apps"),
            ("Owner", "Logged out other browsers"),
            ("Owner", "Deactivated"),
            ("Owner", "Reactivated"),
        ]
        assert set(AuditRecord.objects.values_list("person", flat=True)) == {owner.pk}

    def test_reassigning_work_and_erasing_an_account(self, owner: User, amina: User) -> None:
        PostFactory(author=amina)
        data = {"heir": owner.pk, "erase": "on", "confirm": "1"}
        client_of(owner).post(f"/admin/accounts/user/{amina.pk}/offboard/", data)
        assert [text for _, text in self.about(amina)] == [
            "Deactivated",
            "Reassigned posts and pages to someone else",
            "Erased",
        ]
        assert self.about(owner) == [("Owner", "Assigned posts and pages of someone else")]

    def test_actions_of_users_on_their_own_account(self, amina: User) -> None:
        client = client_of(amina)
        passwords = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        client.post("/admin/password_change/", passwords)
        link = client.post("/admin/account/emergency-link/").context["url"]
        client.post("/admin/account/sessions/end/")
        for _ in range(2):
            Client().post(link.removeprefix("http://testserver"))
        assert self.about(amina) == [
            ("Editor", "Chose a password"),
            ("Editor", "Created an emergency link"),
            ("Editor", "Logged out other browsers"),
            ("Editor", "Locked with the emergency link"),
        ]
        assert set(AuditRecord.objects.values_list("person", flat=True)) == {amina.pk}

    def test_choosing_a_password_with_a_link(self, amina: User) -> None:
        url = make_link(User.objects.get(pk=amina.pk), Kind.GIVEN).removeprefix("http://testserver")
        passwords = {"username": "amina", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
        Client().post(url, passwords)
        assert self.about(amina) == [("Editor", "Chose a password")]

    def test_the_rescue_command_is_recorded_as_done_by_the_server(self, amina: User) -> None:
        User.objects.filter(pk=amina.pk).update(is_active=False)
        call_command("rescue_account", "amina", verbosity=0)
        assert self.about(amina) == [
            (AuditRecord.SERVER, "Recovered on the server"),
            (AuditRecord.SERVER, "Reactivated"),
            (AuditRecord.SERVER, "Removed a login method: All passkeys and apps"),
        ]
        assert {record.who for record in AuditRecord.objects.all()} == {"The server"}

    def test_changing_login_rules(self, owner: User) -> None:
        client = client_of(owner)
        form = client.get("/admin/login-rules/").context["forms"][0]
        data: dict[str, Any] = {}
        for each in client.get("/admin/login-rules/").context["forms"]:
            data |= {f"{each.prefix}-session_hours": each.instance.session_hours}
        client.post("/admin/login-rules/", data | {f"{form.prefix}-session_hours": "8"})
        (record,) = AuditRecord.objects.filter(kind="accounts.rolepolicy")
        assert (record.what, record.text) == ("Owner", "Changed: second step not required, log out after 8 hours")

    def test_removing_a_factor(self, amina: User) -> None:
        factors.remove_all(amina, by=amina)
        assert self.about(amina) == [("Editor", "Removed a login method: All passkeys and apps")]


class TestObjects:
    STEPS = (
        ("draft", "publish", "Published"),
        ("draft", "publish_privately", "Published privately"),
        ("published", "unpublish", "Unpublished"),
        ("published", "trash", "Moved to the trash"),
        ("trash", "restore", "Restored"),
        ("draft", "submit", "Changed"),
    )

    @pytest.mark.parametrize(("status", "step", "text"), STEPS)
    def test_each_button_of_the_writing_screen_has_its_own_action(
        self, amina: User, status: str, step: str, text: str
    ) -> None:
        post = PostFactory(title="Winter", status=status, author=amina)
        client_of(amina).post(admin_url(post, "change"), form_data(post, _step=step))
        (record,) = AuditRecord.objects.filter(kind="blog.post")
        assert (record.object_id, record.title, record.text) == (str(post.pk), "Winter", f"{text}: Status")

    def test_a_new_post_is_added_or_published(self, amina: User) -> None:
        client = client_of(amina)
        for step in ("save", "publish"):
            client.post(admin_url(Post, "add"), form_data(title="Winter", author=amina.pk, _step=step))
        assert logged(kind="blog.post") == [("Editor", "Added"), ("Editor", "Published")]

    def test_saving_without_a_change_records_nothing(self, amina: User) -> None:
        category = CategoryFactory(name="Awards")
        data = {"name": category.name, "slug": category.slug, "description": ""}
        client = client_of(amina)
        client.post(f"/admin/blog/category/{category.pk}/change/", data)
        assert logged(kind="blog.category") == []
        client.post(f"/admin/blog/category/{category.pk}/change/", {**data, "name": "Prizes"})
        assert logged(kind="blog.category") == [("Editor", "Changed: Name")]

    def test_deleted_objects_keep_their_titles(self, amina: User) -> None:
        category = CategoryFactory(name="Awards")
        client_of(amina).post(f"/admin/blog/category/{category.pk}/delete/", {"post": "yes"})
        (record,) = AuditRecord.objects.filter(kind="blog.category")
        assert (record.what, record.text, record.admin_url) == ("Awards", "Deleted", "")

    @pytest.mark.parametrize("change", [publish, trash])
    def test_a_bulk_action_takes_one_statement_for_any_number_of_posts(
        self, amina: User, change: Callable[..., object]
    ) -> None:
        client = client_of(amina)

        def statements(count: int) -> int:
            posts = PostFactory.create_batch(count, status=Status.DRAFT)
            data = {"action": change.__name__, "_selected_action": [post.pk for post in posts]}
            with CaptureQueriesContext(connection) as queries:
                client.post("/admin/blog/post/", data)
            return sum("accounts_auditrecord" in query["sql"] for query in queries)

        assert statements(2) == statements(12) == 1
        assert AuditRecord.objects.filter(kind="blog.post").count() == 14

    def test_deleting_tags_and_pictures(self, amina: User) -> None:
        client, tag = client_of(amina), TagFactory(name="frost")
        data = {"tags": tag.pk, "confirm": "0"}
        client.post(f"/admin/tags/tag/delete/?tags={tag.pk}", data)
        picture = Picture.objects.create(file="pictures/frost.png", width=1, height=1)
        client.post(f"/admin/media/picture/{picture.pk}/delete/", {"post": "yes"})
        records = AuditRecord.objects.filter(kind__in=["tags.tag", "media.picture"]).order_by("pk")
        assert [(record.title, record.text) for record in records] == [("frost", "Deleted"), ("frost.png", "Deleted")]

    def test_changing_settings(self, owner: User) -> None:
        client = client_of(owner)
        form = client.get("/admin/core/sitesettings/1/change/").context["adminform"].form
        data = {name: value for name, value in form.initial.items() if value not in (None, False)}
        client.post("/admin/core/sitesettings/1/change/", {**data, "title": "Lamp", "tagline": "Ledger"})
        assert logged(kind="core.sitesettings") == [("Owner", "Changed: Title, Tagline")]

    def test_an_action_that_cannot_be_recorded_is_not_done(self, amina: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **kwargs: Any) -> None:
            raise OSError

        monkeypatch.setattr("blog.admin.entry_actions.record", fail)
        post = PostFactory(status=Status.DRAFT)
        with pytest.raises(OSError):  # noqa: PT011  any error
            client_of(amina).post("/admin/blog/post/", {"action": "publish", "_selected_action": post.pk})
        assert Post.objects.get().status == Status.DRAFT

    def test_decisions_about_comments_are_only_in_their_own_log(self, amina: User) -> None:
        comment = CommentFactory(status="pending")
        client_of(amina).post(f"/admin/comments/comment/{comment.pk}/approve/")
        assert comment.decisions.count() == 1
        assert logged() == []


class TestData:
    def test_records_of_personal_data_requests_do_not_name_the_commenter(self, owner: User) -> None:
        CommentFactory(name="Rosa", email="rosa@example.org")
        client, url = client_of(owner), "/admin/comments/erasure/"
        client.post(url, {"email": "rosa@example.org", "export": "1"})
        client.post(url, {"email": "rosa@example.org", "erase": "1", "texts": "delete"})
        call_command("commenter", "export", "rosa@example.org", verbosity=0)
        assert logged() == [
            ("Owner", "Exported personal data"),
            ("Owner", "Erased: Comments deleted."),
            (AuditRecord.SERVER, "Exported personal data"),
        ]
        assert "rosa" not in repr(list(AuditRecord.objects.values())).lower()

    def test_exports_on_the_server(self, db: None, tmp_path: Any) -> None:
        call_command("export_wordpress", output=tmp_path / "blog.xml", verbosity=0)
        call_command("export_markdown", tmp_path / "site", verbosity=0)
        assert logged() == [(AuditRecord.SERVER, "Exported: wordpress"), (AuditRecord.SERVER, "Exported: hugo")]


class TestPrivacy:
    def test_contains_nothing_that_commenters_or_attackers_typed(self, owner: User, amina: User) -> None:
        client = client_of(owner)
        client.post("/admin/comments/block/add/", {"kind": "email", "text": "rosa@example.org", "verdict": "spam"})
        block = Block.objects.get()
        client.post(f"/admin/comments/block/{block.pk}/delete/", {"post": "yes"})
        comment = CommentFactory(text="said in confidence", name="Rosa", email="rosa@example.org")
        data = {"text": "said in private", "name": "Rosa L.", "email": "rosa@example.org"}
        client.post(f"/admin/comments/comment/{comment.pk}/change/", data)
        log_in(Client(), "typed-name", "typed-password", sender="198.51.100.77")
        log_in(Client(), "amina", "typed-password", sender="198.51.100.77")
        log_in(Client(), "amina@example.org", sender="198.51.100.77")
        everything = repr(list(AuditRecord.objects.values()))
        secrets = "rosa said typed 198.51 Mozilla Gecko amina@ example.org"
        assert not [secret for secret in secrets.split() if secret.lower() in everything.lower()]
        assert AuditRecord.objects.filter(kind="comments.block").count() == 2

    def test_users_are_identified_only_by_their_ids(self, owner: User, amina: User) -> None:
        assert AuditRecord.PERSON not in titles
        client_of(owner).post(f"/admin/accounts/user/{amina.pk}/link/")
        assert str(amina) not in repr(list(AuditRecord.objects.values()))

    def test_objects_of_unregistered_models_have_no_title(self, owner: User) -> None:
        comment = CommentFactory(text="said in confidence")
        recording.record(Action.DELETED, [comment, Group.objects.get(name="Author")], by=owner)
        records = AuditRecord.objects.filter(action=Action.DELETED).order_by("pk")
        assert [(each.kind, each.title) for each in records] == [("comments.comment", ""), ("auth.group", "Author")]

    def test_texts_are_truncated_and_made_storable(self, owner: User) -> None:
        category = Category(name="x\x00" + "y" * 300)
        recording.record(Action.ADDED, [category], by=owner, details="\ud800z" * 2000)
        record = AuditRecord.objects.get(action=Action.ADDED)
        assert (len(record.title), len(record.details), record.title[:3]) == (200, 1000, "x" + "yy")

    @pytest.mark.parametrize("role", ["Author", "Editor", "Moderator", "Reader of drafts"])
    def test_records_keep_the_role_at_the_time_of_the_action(self, role: str) -> None:
        user = user_in_role(role)
        assert user is not None
        recording.record(Action.ADDED, by=user)
        user.groups.clear()
        assert AuditRecord.objects.get(action=Action.ADDED).role == role
