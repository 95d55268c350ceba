"""The audit log: only owners read and export it, no one changes it, and it is kept for a limited time."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override
from pytest_django import Settings

from accounts import browsers, factors
from accounts.actions import COUNTED, Action
from accounts.audit import retention
from accounts.audit.recording import count, record
from accounts.models import AppendOnlyError, AuditRecord, User
from blog.models import Category
from comments.personal_data import erase
from core.admin import BaseAdmin
from core.languages import SHIPPED
from core.models import SiteSettings
from core.spreadsheets import cell_text
from tests.factories import CategoryFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.plans import plan_of
from tests.factories.responses import find, read, text
from wordpress.exporting.wxr_export import export_wxr

pytestmark = pytest.mark.django_db

LOG = "/admin/accounts/auditrecord/"


@pytest.fixture
def owner() -> User:
    user: User = UserFactory(display_name="Olive", is_staff=True, is_superuser=True)
    return user


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(display_name="Amina", email="amina@example.org", role="Editor")
    return user


def rows(client: Client, query: str = "") -> list[list[str]]:
    """Return the cells of each row in the list, without log-ins."""
    found = find(read(client.get(f"{LOG}{query}")), "#result_list tbody tr")
    cells = [[text(cell) for cell in row][1:] for row in found]
    return [each for each in cells if not each[2].startswith("Logged in")]


class TestAccess:
    @pytest.mark.parametrize("role", ["anonymous", "staff", "Author", "Editor", "Moderator", "Reader of drafts"])
    def test_is_for_owners_only(self, role: str) -> None:
        client = client_of(user_in_role(role))
        for path in (LOG, f"{LOG}export/csv/", f"{LOG}export/jsonl/"):
            response = client.get(path)
            assert response.status_code == (302 if role == "anonymous" else 403)

    def test_an_export_requires_confirming_the_password(self, owner: User) -> None:
        client = client_of(owner)
        session = client.session
        session["confirmed_at"] = 0
        session.save()
        response = client.get(f"{LOG}export/csv/?action=added")
        assert response["Location"].startswith("/admin/account/confirm/?next=")
        assert "export" in response["Location"]

    def test_no_page_adds_changes_or_deletes_records(self, owner: User) -> None:
        record(Action.ADDED, by=owner)
        pk = AuditRecord.objects.get().pk
        client = client_of(owner)
        for path in ("add/", f"{pk}/change/", f"{pk}/delete/", f"{pk}/history/", f"{pk}/"):
            assert client.post(f"{LOG}{path}", {"post": "yes"}).status_code == 404
            assert client.get(f"{LOG}{path}").status_code == 404
        before = AuditRecord.objects.count()
        client.post(LOG, {"action": "delete_selected", "_selected_action": pk, "post": "yes"})
        assert client.post(f"{LOG}export/csv/").status_code == 405
        assert AuditRecord.objects.count() == before

    def test_records_cannot_be_changed_or_deleted_by_mistake(self, owner: User) -> None:
        record(Action.ADDED, by=owner, details="this")
        stored = AuditRecord.objects.get()
        attempts: list[Callable[[], object]] = [
            stored.save,
            stored.delete,
            AuditRecord.objects.all().delete,
            lambda: AuditRecord.objects.update(details=""),
            lambda: AuditRecord.objects.bulk_update([stored], ["details"]),
            lambda: AuditRecord.objects.update_or_create(pk=stored.pk, defaults={"details": ""}),
        ]
        for attempt in attempts:
            with pytest.raises(AppendOnlyError), transaction.atomic():
                attempt()
        assert AuditRecord.objects.get().details == "this"

    @pytest.mark.parametrize(
        ("language", "changed", "removed"),
        [
            ("en", "Changed: Name, Description", "Removed a login method: All passkeys and apps"),
            (
                "fr",
                "Modification\u00a0: Nom, Description",
                "Retrait d’un moyen de connexion\u00a0: Toutes les clés d’accès et applications",
            ),
            ("ru", "Изменено: Имя, Описание", "Удалён способ входа: Все ключи доступа и приложения"),
        ],
    )
    def test_details_are_in_the_language_of_the_reader(self, language: str, changed: str, removed: str) -> None:
        category = CategoryFactory()
        arabic = client_of(UserFactory(role="Editor", language="ar"))
        data = {"name": "Another", "description": "New", "slug": category.slug}
        assert arabic.post(f"/admin/blog/category/{category.pk}/change/", data).status_code == 302
        with override("ar"):
            factors.remove_all(UserFactory())
        with override(language):
            assert [each.text for each in AuditRecord.objects.order_by("pk")][-2:] == [changed, removed]

    def test_the_browser_is_named_in_the_language_of_the_reader(self, owner: User) -> None:
        with override("ar"):
            request = RequestFactory().get("/", headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"})
            record(Action.LOGGED_IN, [owner], by=owner, details=browsers.describe(request))
        (stored,) = AuditRecord.objects.all()
        assert stored.text == "Logged in: Firefox on Windows"
        with override("fr"):
            assert stored.text == "Connexion\u00a0: Firefox sur Windows"

    def test_details_of_other_kinds_stay_as_they_are(self, owner: User) -> None:
        kept = ["into “Home, sweet home”", "wordpress", "Backup, 1"]
        for details in kept:
            record(Action.EXPORTED, by=owner, details=details)
        for language in SHIPPED:
            with override(language):
                assert all(each.text.endswith(each.details) for each in AuditRecord.objects.all())

    def test_every_admin_records_in_it(self) -> None:
        """Otherwise, Django's own log would be used, whose entries are deleted together with an account."""
        assert {
            type(each).__name__ for each in admin.site._registry.values() if not isinstance(each, BaseAdmin)
        } == set()


class TestList:
    def test_names_singletons_after_their_model(self, owner: User) -> None:
        record(Action.CHANGED, [SiteSettings.current()], by=owner)
        assert rows(client_of(owner)) == [["Olive", "Owner", "Changed", "Site settings", "Site settings"]]

    def test_shows_who_did_what_to_which_object_in_which_role(self, owner: User, amina: User) -> None:
        category = CategoryFactory(name="Awards")
        record(Action.CHANGED, [category], by=amina, details="Name")
        record(Action.DEACTIVATED, [amina], by=owner)
        record(Action.IMPORTED, by=None)
        count(Action.LOGIN_FAILED, None)
        assert sorted(rows(client_of(owner))) == sorted(
            [
                ["Amina", "Editor", "Changed: Name", "Category", "Awards"],
                ["Olive", "Owner", "Deactivated", "Person", "Amina"],
                ["The server", "–", "Imported", "–", ""],
                [
                    "Someone who was not logged in",
                    "–",
                    "Failed login attempts: 1 time within an hour",
                    "–",
                    "A name without an account",
                ],
            ]
        )

    def test_can_be_filtered_by_person_action_and_period_and_searched(self, owner: User, amina: User) -> None:
        category = CategoryFactory(name="Awards")
        record(Action.CHANGED, [category], by=amina)
        record(Action.DEACTIVATED, [amina], by=owner)
        record(Action.IMPORTED, by=None)
        count(Action.LOGIN_FAILED, None)
        AuditRecord.changeable().filter(action=Action.IMPORTED).update(at=F("at") - dt.timedelta(days=30))
        client = client_of(owner)

        def found(query: str) -> set[str]:
            return {row[2].partition(":")[0] for row in rows(client, query)}

        assert found(f"?person={amina.pk}") == {"Changed", "Deactivated"}
        assert found("?person=server") == {"Imported"}
        assert found("?person=strangers") == {"Failed login attempts"}
        assert found("?action__exact=deactivated") == {"Deactivated"}
        week_ago = timezone.now() - dt.timedelta(days=7)
        assert "Imported" not in found(f"?at__gte={week_ago:%Y-%m-%d}+00:00:00%2B00:00")
        assert found("?q=award") == {"Changed"}
        for nonsense in ("?person=x", "?person=٣", "?person=99999999999999999999", "?person=-1"):
            assert found(nonsense) == set()

    def test_actions_of_an_erased_account_stay_without_its_name(self, owner: User, amina: User) -> None:
        record(Action.CHANGED, [CategoryFactory(name="Awards")], by=amina)
        client = client_of(owner)
        client.post(f"/admin/accounts/user/{amina.pk}/offboard/", {"erase": "on", "confirm": "1"})
        shown = rows(client)
        erased = f"Erased account {amina.pk}"
        assert [erased, "Editor", "Changed", "Category", "Awards"] in shown
        assert ["Olive", "Owner", "Erased", "Person", erased] in shown
        assert "Amina" not in repr(shown)
        assert len(rows(client, f"?person={amina.pk}")) == 3

    def test_takes_no_more_statements_for_more_records(self, owner: User) -> None:
        client = client_of(owner)
        client.get(LOG)

        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(LOG)
            return len(queries)

        few = statements()
        for person in UserFactory.create_batch(5):
            record(Action.CHANGED, [person, CategoryFactory()], by=person)
        assert statements() == few

    def test_every_query_uses_an_index(self, owner: User, amina: User) -> None:
        """The list, its filters, the pages of an account and of an object, and the clean-up."""
        records = AuditRecord.objects
        queries = [
            records.all()[:100],
            records.filter(action=Action.PUBLISHED)[:100],
            records.filter(person=amina)[:100],
            records.filter(kind="blog.post", object_id="1")[:100],
            records.filter(at__lt=timezone.now()).order_by("at").values_list("pk")[:1000],
            records.filter(action=Action.LOGIN_FAILED, at__lt=timezone.now()).order_by("at").values_list("pk")[:1000],
        ]
        for query in queries:
            plan = plan_of(query).lower()
            assert "index" in plan, plan
            assert "temp b-tree" not in plan, plan
            assert "sort" not in plan, plan


class TestExport:
    def exported(self, client: Client, name: str, query: str = "") -> str:
        response = client.get(f"{LOG}export/{name}/{query}")
        assert response.status_code == 200
        assert response["Content-Disposition"].endswith(f'.{name}"')
        assert "no-store" in response["Cache-Control"]
        return response.getvalue().decode()

    def test_csv_has_every_record_once_oldest_first(
        self, owner: User, amina: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("accounts.audit.exporting._BATCH", 2)
        for name in ("One", "Two", "Three"):
            record(Action.ADDED, [CategoryFactory(name=name)], by=amina)
        file = self.exported(client_of(owner), "csv")
        assert file.startswith("\ufeff")
        found = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
        assert [row["object"] for row in found if row["action"] == "added"] == ["One", "Two", "Three"]
        assert len(found) == AuditRecord.objects.count()
        first = next(row for row in found if row["object"] == "One")
        assert (first["person"], first["role"], first["what"], first["kind"]) == (
            "Amina",
            "Editor",
            "Added",
            "blog.category",
        )
        assert dt.datetime.fromisoformat(first["time"]).tzinfo

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "＝", "\r"])
    def test_csv_cells_are_never_formulas(self, owner: User, start: str) -> None:
        record(Action.ADDED, [Category(name=f"{start}HYPERLINK(1)")], by=owner, details=f"{start}1")
        file = self.exported(client_of(owner), "csv", "?action__exact=added")
        (row,) = csv.DictReader(io.StringIO(file.removeprefix("\ufeff"), newline=""))
        marked = f"'{start}".replace("\t=", "\t'=")
        assert row["object"] == f"{marked}HYPERLINK(1)"
        assert row["details"] == f"{marked}1"

    @pytest.mark.parametrize("start", [";=", "; +", ';"-', "\n@", "\r\n=", ";;＝", "\t=", "\t +", "\t\t@", ';\t"='])
    def test_nor_do_formulas_begin_in_spreadsheets_that_divide_cells_at_semicolons_and_tabs(
        self, owner: User, start: str
    ) -> None:
        name = f"March, by the river{start}HYPERLINK(1)"
        record(Action.ADDED, [Category(name=name)], by=owner)
        file = self.exported(client_of(owner), "csv", "?action__exact=added").removeprefix("\ufeff")
        # They take a quotation mark that is not at the start of a cell for a character.
        cells = [cell.strip(' "') for line in file.splitlines() for cell in re.split("[;\t]", line)]
        assert not [cell for cell in cells if cell.startswith(tuple("=+-@＝"))]
        (row,) = csv.DictReader(io.StringIO(file, newline=""))
        assert cell_text(row["object"]) == name

    def test_json_lines_have_the_same_records_with_unchanged_texts(self, owner: User) -> None:
        record(Action.ADDED, [Category(name="=سلام\n2")], by=owner)
        lines = self.exported(client_of(owner), "jsonl", "?action__exact=added").splitlines()
        (row,) = map(json.loads, lines)
        assert (row["object"], row["person"], row["person_id"]) == ("=سلام\n2", "Olive", owner.pk)

    def test_has_the_filters_of_the_list(self, owner: User, amina: User) -> None:
        record(Action.ADDED, [Category(name="One")], by=amina)
        record(Action.ADDED, [Category(name="Two")], by=owner)
        client = client_of(owner)
        page = client.get(f"{LOG}?person={amina.pk}&q=one&p=1")
        (link, _) = find(read(page), ".object-tools a")
        file = "".join(client.get(link.get("href", "")).getvalue().decode().splitlines(keepends=True)[1:])
        assert "One" in file
        assert "Two" not in file

    def test_is_recorded(self, owner: User) -> None:
        self.exported(client_of(owner), "jsonl")
        (stored,) = AuditRecord.objects.filter(action=Action.EXPORTED)
        assert (stored.kind, stored.person_id) == ("accounts.auditrecord", owner.pk)

    def test_other_formats_do_not_exist(self, owner: User) -> None:
        client = client_of(owner)
        for path in ("export/xml/", "export/csv/?nothing=1"):
            assert client.get(f"{LOG}{path}").status_code in {400, 404}


class TestOwnAccount:
    def test_users_see_what_happened_to_their_account(self, owner: User, amina: User) -> None:
        record(Action.ROLE_CHANGED, [amina], by=owner, details="Author → Editor")
        record(Action.ROLE_CHANGED, [owner], by=owner, details="Editor → Owner")
        record(Action.CHANGED, [CategoryFactory(name="Awards")], by=amina)
        count(Action.LOGIN_FAILED, amina)
        page = client_of(amina).get("/admin/account/")
        shown = [text(row) for row in find(read(page), "section[aria-labelledby=activity] li")]
        assert len(shown) == 3
        assert any("Changed the role: Author → Editor" in row and "Olive" in row for row in shown)
        assert any("Failed login attempts: 1 time within an hour" in row for row in shown)
        assert any("Logged in" in row for row in shown)

    def test_it_shows_a_limited_number_of_records(self, amina: User) -> None:
        for _ in range(20):
            record(Action.LOGGED_OUT, [amina], by=amina)
        page = client_of(amina).get("/admin/account/")
        assert len(find(read(page), "section[aria-labelledby=activity] li")) == 15

    def test_the_history_of_an_object_comes_from_the_audit_log(self, owner: User, amina: User) -> None:
        category = CategoryFactory(name="Awards")
        record(Action.CHANGED, [category], by=amina, details="Slug")
        record(Action.CHANGED, [CategoryFactory()], by=amina, details="Parent")
        page = read(client_of(owner).get(f"/admin/blog/category/{category.pk}/history/"))
        (row,) = find(page, "#change-history tbody tr")
        assert text(row).endswith("Amina Changed: Slug")


class TestRetention:
    @pytest.fixture
    def kept(self, settings: Settings, owner: User) -> None:
        settings.BROADSIDE_AUDIT_KEEP_DAYS, settings.BROADSIDE_AUDIT_KEEP_FAILED_DAYS = 365, 90
        for days in (10, 89, 91, 364, 366):
            record(Action.ADDED, by=owner, details=str(days))
            for action in COUNTED:
                count(action, owner)
            AuditRecord.changeable().filter(at__gt=timezone.now() - dt.timedelta(days=1)).update(
                at=timezone.now() - dt.timedelta(days=days)
            )

    def ages(self, action: Action) -> list[int]:
        times = AuditRecord.objects.filter(action=action).values_list("at", flat=True)
        return sorted((timezone.now() - time).days for time in times)

    def test_old_records_are_deleted_and_counts_of_failures_earlier(
        self, kept: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("core.bulk._DELETE_BATCH", 2)
        out = io.StringIO()
        call_command("tidy_audit_log", stdout=out)
        assert self.ages(Action.ADDED) == [10, 89, 91, 364]
        for action in COUNTED:
            assert self.ages(action) == [10, 89]
        assert out.getvalue() == "Old records deleted from the audit log: 7\n"
        assert retention.delete_expired() == 0

    def test_the_periods_come_from_the_settings(self, kept: None, settings: Settings) -> None:
        settings.BROADSIDE_AUDIT_KEEP_DAYS = 50
        retention.delete_expired()
        assert self.ages(Action.ADDED) == [10]


class TestNames:
    def test_erasing_a_commenter_keeps_the_actions_of_their_account(self, owner: User, amina: User) -> None:
        record(Action.ADDED, [CategoryFactory(name="Awards")], by=amina)
        erase("amina@example.org", keep_text=False, by=None)
        assert AuditRecord.objects.filter(person=amina).count() == 1

    def test_exports_of_the_site_do_not_contain_it(self, owner: User) -> None:
        PostFactory(author=owner)
        record(Action.ADDED, [Category(name="planted-title")], by=owner, details="planted-details")
        written: list[str] = []
        export_wxr(written.append, progress=lambda done, total: None, warn=written.append)
        assert "planted" not in "".join(written)


class TestMigration:
    migration: Any = import_module("accounts.migrations.0006_admin_log")
    schema_editor = SimpleNamespace(connection=connection)

    def entries(self, amina: User) -> Category:
        category = CategoryFactory(name="Awards")
        block = ContentType.objects.get(app_label="comments", model="block")
        LogEntry.objects.log_actions(amina.pk, [category], ADDITION, [{"added": {}}])
        fields: Any = [{"changed": {"fields": ["Name", "Slug"]}}, {"added": {"name": "person", "object": "Rosa"}}]
        LogEntry.objects.log_actions(amina.pk, [category], CHANGE, fields)
        LogEntry.objects.log_actions(amina.pk, [category], CHANGE, "Undone: this.")
        LogEntry.objects.create(
            user=amina, content_type=block, object_id="7", object_repr="rosa@example.org", action_flag=DELETION
        )
        LogEntry.objects.create(user=amina, object_id="8", object_repr="?", action_flag=CHANGE, change_message="[x")
        return category

    def test_moves_the_entries_of_djangos_log(self, amina: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self.migration, "_BATCH", 2)
        category = self.entries(amina)
        times = list(LogEntry.objects.order_by("pk").values_list("action_time", flat=True))
        self.migration.move_log(apps, self.schema_editor)
        assert not LogEntry.objects.exists()
        stored = AuditRecord.objects.order_by("pk")
        assert [(each.text, each.kind, each.object_id, each.title) for each in stored] == [
            ("Added", "blog.category", str(category.pk), "Awards"),
            ("Changed: Name, Slug", "blog.category", str(category.pk), "Awards"),
            ("Changed: Undone: this.", "blog.category", str(category.pk), "Awards"),
            ("Deleted", "comments.block", "7", ""),
            ("Changed", "", "8", ""),
        ]
        assert {(each.person_id, each.role) for each in stored} == {(amina.pk, "")}
        assert [each.at for each in stored] == times

    def test_can_be_reversed(self, amina: User) -> None:
        self.entries(amina)
        self.migration.move_log(apps, self.schema_editor)
        record(Action.IMPORTED, by=None)
        self.migration.move_back(apps, self.schema_editor)
        flags = LogEntry.objects.order_by("pk").values_list("action_flag", "change_message")
        assert list(flags) == [(1, ""), (2, "Name, Slug"), (2, "Undone: this."), (3, "")]
