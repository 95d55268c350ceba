"""`manage.py doctor` and the dashboard report the same findings in plain language, with advice."""

import datetime as dt
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from operations.checks import outcomes
from operations.checks.catalogue import CHECKS
from operations.checks.diagnoses import DAILY, Check, CheckOptions, Diagnosis
from operations.checks.outcomes import current_outcomes, run_checks
from operations.models import CheckResult, FreeSpace
from operations.tasks import check_site
from tests.factories import UserFactory
from tests.factories.admin import client_of
from tests.factories.responses import find, read, text
from tests.factories.types import Work

pytestmark = pytest.mark.django_db

FINE = Diagnosis.ok("All is well.")
BAD = Diagnosis.problem("It is broken.", "Mend it.")
SOON = Diagnosis.warning("It will break.", "Look after it.")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Diagnosis]]:
    """The findings of two quick checks and a slow one, which tests can change."""
    found = {"quick": [FINE], "other": [FINE], "slow": [FINE]}

    def check(name: str, valid_for: dt.timedelta | None = None) -> Check:
        return Check(name.title(), lambda options: found[name], valid_for)

    checks = {"quick": check("quick"), "other": check("other"), "slow": check("slow", DAILY)}
    monkeypatch.setattr("operations.management.commands.doctor.CHECKS", checks)
    monkeypatch.setattr(outcomes, "CHECKS", checks)
    return found


def doctor(*options: str) -> tuple[int, str]:
    """Run the command, and return its exit status and output."""
    output, status = StringIO(), 0
    try:
        call_command("doctor", *options, stdout=output, no_color=True)
    except SystemExit as left:
        status = int(str(left.code))
    return status, output.getvalue()


class TestCommand:
    def test_reports_that_no_problems_were_found(self, found: dict[str, list[Diagnosis]]) -> None:
        status, written = doctor()
        assert status == 0
        assert written.splitlines()[0] == "✓ Quick: All is well."
        assert written.splitlines()[-1] == "No problems found (3 items checked)."

    def test_does_not_count_what_could_not_be_checked(self, found: dict[str, list[Diagnosis]]) -> None:
        found["quick"] = []
        assert doctor()[1].splitlines()[-1] == "No problems found (2 items checked)."

    def test_succeeds_with_a_warning(self, found: dict[str, list[Diagnosis]]) -> None:
        found["quick"] = [SOON]
        status, written = doctor()
        assert status == 0
        assert "! Quick: It will break.\n    Look after it.\n" in written
        assert written.splitlines()[-1] == "0 problems, 1 warning."

    def test_gives_the_same_advice_once(self, found: dict[str, list[Diagnosis]]) -> None:
        found["quick"], found["other"] = [BAD], [BAD, SOON]
        lines = doctor()[1].splitlines()
        assert lines[:4] == [
            "✗ Quick: It is broken.",
            "    Mend it.",
            "✗ Other: It is broken.",
            "! Other: It will break.",
        ]

    def test_fails_with_a_problem(self, found: dict[str, list[Diagnosis]]) -> None:
        found["slow"] = [SOON, BAD]
        status, written = doctor()
        assert status == 1
        assert "✗ Slow: It is broken.\n    Mend it.\n" in written
        assert written.splitlines()[-1] == "1 problem, 0 warnings."

    def test_can_run_some_checks_only(self, found: dict[str, list[Diagnosis]]) -> None:
        found["slow"] = [BAD]
        assert doctor("--only", "quick", "other")[0] == 0
        with pytest.raises(CommandError, match=r"There is no check called slwo. The checks are: quick, other, slow."):
            doctor("--only", "slwo")

    def test_can_report_as_json(self, found: dict[str, list[Diagnosis]]) -> None:
        found["quick"], found["other"] = [BAD, FINE], []
        status, written = doctor("--json")
        assert status == 1
        quick, other, _slow = json.loads(written)
        assert quick == {
            "name": "quick",
            "severity": "problem",
            "checked_at": None,
            "diagnoses": [
                {"severity": "problem", "text": "It is broken.", "advice": "Mend it."},
                {"severity": "ok", "text": "All is well.", "advice": ""},
            ],
        }
        assert (other["severity"], other["diagnoses"]) == (None, [])

    def test_passes_its_options_to_the_checks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        passed: list[CheckOptions] = []

        def note(options: CheckOptions) -> list[Diagnosis]:
            passed.append(options)
            return []

        monkeypatch.setattr(outcomes, "CHECKS", {"a": Check("A", note)})
        doctor("--mail", "--online", "--advisories", "list.zip")
        assert passed == [CheckOptions(mail=True, online=True, advisories="list.zip")]

    def test_stores_results_only_with_the_remember_option(self, found: dict[str, list[Diagnosis]]) -> None:
        doctor()
        assert not CheckResult.objects.exists()
        assert not FreeSpace.objects.exists()
        doctor("--remember")
        assert [row.name for row in CheckResult.objects.all()] == ["slow"]
        assert FreeSpace.objects.get().day == timezone.localdate()

    def test_can_run_every_check(self, settings: Settings) -> None:
        settings.SITE_URL = "http://127.0.0.1:1"
        status, written = doctor("--json")
        assert status == 1
        assert [each["name"] for each in json.loads(written)] == list(CHECKS)


class TestMemory:
    def test_the_worker_stores_results_too(self, found: dict[str, list[Diagnosis]], work: Work) -> None:
        check_site.enqueue()
        work()
        assert [row.name for row in CheckResult.objects.all()] == ["slow"]

    def test_without_the_database_the_other_checks_are_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **options: Any) -> None:
            raise OperationalError("the disk is gone")

        monkeypatch.setattr(connection, "cursor", fail)
        monkeypatch.setattr(connection, "set_autocommit", fail)
        status, written = doctor("--remember", "--only", "migrations", "worker", "debug", "vulnerabilities")
        assert status == 1
        assert written.count("This could not be checked: OperationalError: the disk is gone") == 2
        assert "✓ Debug mode: DEBUG is off." in written

    @pytest.mark.parametrize("query", ["SELECT no_such_column FROM blog_entry", "SELECT title FROM no_such_table"])
    def test_a_missing_table_or_column_is_explained_by_missing_migrations(
        self, found: dict[str, list[Diagnosis]], monkeypatch: pytest.MonkeyPatch, query: str
    ) -> None:
        def look(options: CheckOptions) -> list[Diagnosis]:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(query)
            return [FINE]

        monkeypatch.setattr("operations.checks.outcomes.CHECKS", {"quick": Check("Quick", look)})
        status, written = doctor("--only", "quick")
        assert status == 0
        assert "! Quick: This could not be checked, because the database is not up to date." in written

    def test_a_check_that_finds_nothing_reports_its_last_result(self, found: dict[str, list[Diagnosis]]) -> None:
        found["slow"] = [SOON]
        doctor("--remember")
        found["slow"] = []
        (outcome,) = run_checks(["slow"])
        assert outcome.diagnoses == (SOON,)
        assert outcome.checked_at is not None
        assert "This was checked on" in doctor("--only", "slow")[1]

    def test_results_that_are_too_old_are_not_reported(self, found: dict[str, list[Diagnosis]]) -> None:
        doctor("--remember")
        CheckResult.objects.update(checked_at=timezone.now() - DAILY - dt.timedelta(minutes=1))
        assert [outcome.diagnoses for outcome in current_outcomes()] == [(FINE,), (FINE,), ()]

    def test_free_space_is_kept_for_two_months(self, found: dict[str, list[Diagnosis]]) -> None:
        FreeSpace.objects.create(day=timezone.localdate() - dt.timedelta(days=61), bytes=1)
        for _day in range(2):
            doctor("--remember")
        assert FreeSpace.objects.count() == 1


class TestDashboard:
    def show(self) -> Any:
        page = read(client_of(UserFactory(is_superuser=True, is_staff=True)).get("/admin/"))
        (section,) = [each for each in find(page, "section") if each.get("aria-labelledby") == "panel-health"]
        return section

    def test_uses_the_punctuation_of_the_language(self, found: dict[str, list[Diagnosis]], settings: Settings) -> None:
        settings.LANGUAGE_CODE = "fr"
        found["quick"], found["slow"], found["other"] = [FINE], [BAD], [FINE]
        doctor("--remember")
        (warning,) = find(self.show(), ".panel-warning strong")
        assert "Problème\N{NO-BREAK SPACE}: " in warning.text_content()

    def test_shows_what_the_command_reports(self, found: dict[str, list[Diagnosis]]) -> None:
        # The most severe finding comes first.
        found["quick"], found["slow"], found["other"] = [SOON], [BAD], [FINE]
        doctor("--remember")
        panel = self.show()
        assert [text(each) for each in find(panel, ".panel-warning")] == [
            "Problem: Slow. It is broken. Mend it.",
            "Warning: Quick. It will break. Look after it.",
        ]
        assert len(find(panel, ".panel-problem")) == 1
        assert "1 check found nothing wrong." in text(panel)

    def test_commands_read_from_left_to_right_in_any_language(
        self, found: dict[str, list[Diagnosis]], settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = "ar"
        advice = "شغّل «timedatectl set-ntp true\u200e»، أو “<b>a --now</b>”؛ «الساعة»."
        found["quick"] = [Diagnosis.problem("خلل.", advice)]
        doctor("--remember")
        panel = self.show()
        # Copied from here, it contains nothing invisible.
        assert advice.replace("\u200e", "") in text(panel)
        commands = [text(each) for each in find(panel, "bdi[dir=ltr]")]
        assert commands == ["timedatectl set-ntp true", "<b>a --now</b>"]

    def test_lists_checks_that_have_not_run_lately(self, found: dict[str, list[Diagnosis]]) -> None:
        assert "Not checked recently: Slow. Check that the worker is running" in text(self.show())

    def test_asks_for_a_list_of_vulnerabilities_rather_than_for_the_worker(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without a list, the worker never checks these."""
        check = Check("Known vulnerabilities", lambda options: [], DAILY)
        monkeypatch.setattr(outcomes, "CHECKS", {"vulnerabilities": check})
        panel = text(self.show())
        assert "Not checked recently: Known vulnerabilities. Once a month, run “manage.py doctor --online" in panel
        assert "Check that the worker is running" not in panel

    def test_takes_few_queries(self, django_assert_max_num_queries: Any) -> None:
        client = client_of(UserFactory(is_superuser=True, is_staff=True))
        client.get("/admin/")
        with django_assert_max_num_queries(45):
            client.get("/admin/")

    @pytest.mark.parametrize("role", ["Author", "Editor", "Moderator"])
    def test_only_owners_see_it(self, role: str) -> None:
        assert "panel-health" not in client_of(UserFactory(role=role)).get("/admin/", follow=True).text
