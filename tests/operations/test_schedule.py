"""When backups are made, which are kept, and what the dashboard says about them."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from accounts.models import User
from core.tasks import task_kinds
from operations.backups import schedule
from operations.backups.contents import name_for, parse_name
from operations.backups.retention import kept
from operations.backups.work import work_folder
from operations.models import BackupRun, RunKind
from operations.tasks import back_up_if_due
from tests.factories import UserFactory
from tests.factories.admin import client_of
from tests.factories.responses import read
from tests.factories.types import Work

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def ran(kind: RunKind, ago: dt.timedelta, *, error: str = "", missing: int = 0) -> None:
    BackupRun.objects.create(kind=kind, finished_at=timezone.now() - ago, error=error, missing=missing)


class TestTimes:
    def test_the_next_backup_is_made_at_the_next_time(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_TIMES = [dt.time(3, 30), dt.time(15, 30)]
        now = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
        assert schedule.next_time(now) == now.replace(hour=15, minute=30)
        assert schedule.next_time(now.replace(hour=16)) == now.replace(day=28, hour=3, minute=30)

    def test_times_are_in_the_time_zone_of_the_site(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_TIMES = [dt.time(3, 30)]
        with timezone.override(ZoneInfo("Asia/Tehran")):
            now = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
            assert schedule.next_time(now).astimezone(dt.UTC) == dt.datetime(2026, 11, 28, 0, 0, tzinfo=dt.UTC)

    @pytest.mark.django_db
    def test_a_backup_is_due_once_for_each_time(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_TIMES = [dt.time(3, 30)]
        now = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
        assert schedule.is_due(now)
        run = BackupRun.objects.create(kind=RunKind.BACKUP, finished_at=now.replace(hour=4))
        assert not schedule.is_due(now)
        assert schedule.is_due(now + DAY)
        assert not schedule.is_late(run, now + DAY)
        assert schedule.is_late(run, now + 2 * DAY)
        BackupRun.objects.filter(pk=run.pk).update(error="It failed.")
        assert schedule.is_due(now)

    @pytest.mark.django_db
    def test_runs_dated_in_the_future_do_not_count(self) -> None:
        ran(RunKind.BACKUP, -365 * DAY)
        ran(RunKind.CHECK, -365 * DAY)
        assert schedule.is_due(timezone.now())
        assert schedule.is_check_due(timezone.now())


class TestRetention:
    NEWEST = dt.datetime(2026, 11, 27, 3, 30, tzinfo=dt.UTC)

    def keep(self, times: list[dt.datetime], *counts: int, newest: dt.datetime = NEWEST) -> set[dt.datetime]:
        return {parse_name(name) for name in kept(map(name_for, times), counts, newest=name_for(newest))}

    def test_the_last_of_each_day_week_and_month_is_kept(self) -> None:
        times = [self.NEWEST - day * DAY for day in range(400)]
        found = self.keep(times, 7, 5, 12)
        assert {self.NEWEST - day * DAY for day in range(7)} < found
        assert min((time.year, time.month) for time in found) == (2025, 12)
        assert 7 + 5 + 12 - 4 <= len(found) <= 7 + 5 + 12

    def test_the_newest_is_always_kept(self) -> None:
        assert self.keep([self.NEWEST, self.NEWEST - 9 * DAY], 0, 0, 0) == {self.NEWEST}

    def test_backups_of_the_same_day_are_kept_for_two_days(self) -> None:
        times = [self.NEWEST, self.NEWEST - HOUR, self.NEWEST - 5 * DAY, self.NEWEST - 5 * DAY - HOUR]
        assert self.keep(times, 7, 0, 0) == set(times[:3])

    def test_backups_dated_in_the_future_do_not_displace_newer_ones(self) -> None:
        later = [self.NEWEST + 365 * DAY + day * DAY for day in range(10)]
        times = [self.NEWEST, self.NEWEST - 3 * DAY, *later]
        assert self.keep(times, 7, 5, 12) == set(times)


@pytest.mark.django_db(transaction=True)
class TestRunning:
    @pytest.fixture(autouse=True)
    def destination(self, settings: Settings, tmp_path: Path) -> Path:
        settings.BROADSIDE_BACKUP_URL = str(tmp_path / "backups")
        return tmp_path / "backups"

    def test_old_backups_are_removed_with_media_that_no_other_backup_needs(
        self, destination: Path, settings: Settings
    ) -> None:
        settings.BROADSIDE_BACKUP_KEEP = (1, 0, 0)
        call_command("backup", verbosity=0)
        (folder,) = (destination / "backups").iterdir()
        folder.rename(folder.with_name("2020-01-01T000000Z"))
        orphan = destination / "media/00" / ("0" * 64)
        orphan.parent.mkdir(parents=True)
        orphan.write_bytes(b"of no backup")
        foreign = [destination / name for name in ("backups/notes.txt", "media/holiday.jpg", "media/00/other", "x")]
        for path in foreign:
            path.write_bytes(b"someone's own")
        call_command("backup", verbosity=0)
        left = {path.name for path in (destination / "backups").iterdir()}
        assert len(left) == 2
        assert "2020-01-01T000000Z" not in left
        assert all(path.exists() for path in foreign)
        assert not orphan.exists()

    def test_no_media_are_removed_if_the_list_of_a_backup_cannot_be_read(self, destination: Path) -> None:
        call_command("backup", verbosity=0)
        (folder,) = (destination / "backups").iterdir()
        (folder / "SHA256SUMS").write_text("damaged\n")
        orphan = destination / "media/00" / ("0" * 64)
        orphan.parent.mkdir(parents=True)
        orphan.write_bytes(b"perhaps of the damaged one")
        with pytest.raises(Exception, match="The new backup is complete, but the older backup"):
            call_command("backup", verbosity=0)
        assert orphan.exists()

    def test_a_backup_is_not_repeated_if_only_the_cleanup_failed(self, destination: Path, work: Work) -> None:
        """Repeated backups would soon fill the disk."""
        damaged = destination / "backups/2020-01-01T000000Z/SHA256SUMS"
        damaged.parent.mkdir(parents=True)
        damaged.write_text("damaged\n")
        back_up_if_due.enqueue()
        work()
        DBTaskResult.objects.update(run_after=timezone.now())
        work()
        assert "The new backup is complete" in BackupRun.objects.get(kind=RunKind.BACKUP).error
        assert len([*(destination / "backups").iterdir()]) == 2

    def test_the_worker_makes_and_proves_due_backups(self, work: Work) -> None:
        back_up_if_due.enqueue()
        back_up_if_due.enqueue()
        work()
        assert set(BackupRun.objects.values_list("kind", "error")) == {("backup", ""), ("check", "")}
        assert BackupRun.objects.count() == 2

    def test_the_worker_retries_after_a_failure(self, work: Work, destination: Path) -> None:
        destination.write_text("not a folder")
        back_up_if_due.enqueue()
        work()
        assert "is not a folder" in BackupRun.objects.get().error
        assert DBTaskResult.objects.get(status="READY").run_after > timezone.now()
        destination.unlink()
        DBTaskResult.objects.update(run_after=timezone.now())
        work()
        assert BackupRun.objects.last_successful(RunKind.BACKUP)

    def test_the_worker_waits_for_a_running_backup_of_any_length(self, work: Work) -> None:
        with work_folder():
            back_up_if_due.enqueue()
            for _attempt in range(6):
                work()
                waiting = DBTaskResult.objects.filter(status="READY")
                assert waiting.get().run_after > timezone.now()
                waiting.update(run_after=timezone.now())
        work()
        assert BackupRun.objects.last_successful(RunKind.BACKUP)
        assert set(DBTaskResult.objects.values_list("status", flat=True)) == {"SUCCESSFUL"}

    def test_the_worker_makes_backups_at_the_configured_times(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_TIMES = [dt.time(15, 30)]
        now = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
        schedule = task_kinds[back_up_if_due.module_path].schedule
        assert schedule is not None
        assert schedule(now) == now.replace(hour=15, minute=30)

    def test_without_a_destination_no_backup_is_made(self, work: Work, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_URL = ""
        call_command("backup", "--if-due")
        back_up_if_due.enqueue()
        work()
        assert not BackupRun.objects.exists()
        assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()

    def test_the_command_makes_a_due_backup_once(self, destination: Path) -> None:
        call_command("backup", "--if-due", verbosity=0)
        call_command("backup", "--if-due", verbosity=0)
        assert BackupRun.objects.filter(kind=RunKind.BACKUP).count() == 1

    def test_the_worker_does_not_prove_encrypted_backups(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_PUBLIC_KEY = "age1"
        assert not schedule.is_check_due(timezone.now())


@pytest.mark.django_db
class TestDashboard:
    @pytest.fixture
    def panel(self, settings: Settings) -> str:
        """Configure a destination and encryption, so that the panel shows no warnings about them."""
        settings.BROADSIDE_BACKUP_URL = "/var/backups/broadside"
        settings.BROADSIDE_BACKUP_PUBLIC_KEY = "age1"
        return ""

    def show(self) -> str:
        owner = client_of(UserFactory(username="owner", is_superuser=True, is_staff=True))
        page = read(owner.get("/admin/"))
        (section,) = page.xpath("//section[@aria-labelledby='panel-backups']")
        return " ".join(section.text_content().split())

    def test_says_when_the_last_backup_was_made_and_proved(self, panel: str) -> None:
        ran(RunKind.BACKUP, 3 * HOUR)
        ran(RunKind.CHECK, 2 * DAY)
        assert self.show() == "Backups Last backup 3\xa0hours ago Last proven restorable 2\xa0days ago".replace(
            "\xa0", " "
        )

    def test_warns_without_a_destination(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_URL = ""
        assert "This site is not backed up. Set BACKUP_URL" in self.show()

    def test_warns_before_the_first_backup(self, panel: str) -> None:
        assert "No backup has been made yet. Run “manage.py backup”" in self.show()

    def test_warns_of_failures_until_a_backup_succeeds(self, panel: str) -> None:
        ran(RunKind.CHECK, HOUR)
        ran(RunKind.BACKUP, 2 * HOUR, error="The disk is too full.")
        assert "The last backup failed (" in (shown := self.show())
        assert "The disk is too full." in shown
        ran(RunKind.BACKUP, HOUR)
        assert "failed" not in self.show_again()

    def show_again(self) -> str:
        User.objects.all().delete()
        return self.show()

    def test_warns_when_backups_are_late(self, panel: str) -> None:
        ran(RunKind.BACKUP, 3 * DAY)
        ran(RunKind.CHECK, DAY)
        assert "Backups are late. The last one was made" in self.show()

    def test_warns_although_there_are_backups_from_before_the_clock_was_set_back(self, panel: str) -> None:
        ran(RunKind.BACKUP, -365 * DAY)
        ran(RunKind.CHECK, -365 * DAY)
        ran(RunKind.BACKUP, 3 * DAY)
        ran(RunKind.CHECK, 2 * DAY, error="The table x is not as it was.")
        assert "Backups are late. The last one was made" in (shown := self.show())
        assert "can't be restored. The table x is not as it was." in shown

    def test_warns_when_no_backup_has_been_proved_for_a_long_time(self, panel: str, settings: Settings) -> None:
        advice = "From your own computer, where the key is, run “manage.py restore --check --key -” on the server"
        ran(RunKind.BACKUP, HOUR)
        assert advice in (shown := self.show())
        assert "Last proven restorable never" in shown
        ran(RunKind.CHECK, 40 * DAY)
        assert advice in self.show_again()
        settings.BROADSIDE_BACKUP_PUBLIC_KEY = ""
        assert "Run “manage.py restore --check”." in self.show_again()

    def test_commands_read_from_left_to_right_in_any_language(self, panel: str, settings: Settings) -> None:
        settings.LANGUAGE_CODE = "ar"
        ran(RunKind.BACKUP, HOUR)
        page = read(client_of(UserFactory(is_superuser=True, is_staff=True)).get("/admin/"))
        commands = [each.text_content() for each in page.xpath("//section[@aria-labelledby='panel-backups']//bdi")]
        assert "manage.py restore --check --key -" in commands

    def test_warns_when_a_backup_cannot_be_restored(self, panel: str) -> None:
        ran(RunKind.BACKUP, HOUR)
        ran(RunKind.CHECK, HOUR, error="The table x is not as it was.")
        assert "can't be restored. The table x is not as it was." in self.show()

    def test_warns_of_missing_files_and_without_encryption(self, panel: str, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_PUBLIC_KEY = ""
        ran(RunKind.BACKUP, HOUR, missing=2)
        shown = self.show()
        assert "2 media files are missing" in shown
        assert "Backups are not encrypted" in shown

    @pytest.mark.parametrize("role", ["Author", "Editor", "Moderator"])
    def test_only_owners_see_it(self, role: str, panel: str) -> None:
        client: Client = client_of(UserFactory(role=role))
        assert "panel-backups" not in client.get("/admin/", follow=True).text

    def test_old_runs_are_deleted(self) -> None:
        ran(RunKind.BACKUP, 500 * DAY)
        BackupRun.record(RunKind.BACKUP, backup="new")
        assert [run.backup for run in BackupRun.objects.all()] == ["new"]
