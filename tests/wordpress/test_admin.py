"""Moving in from the admin: upload, dry run, import, report; and all that can come between."""

import datetime as dt
import gzip
import io
import json
import re
import stat
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from blog.models import Post
from library.models import Picture
from tests.blog.desk import at_desk, person
from tests.factories import UserFactory
from tests.wordpress.exports import attachment, author, export, item
from tests.wordpress.files import put
from tests.wordpress.worker import UPLOAD, address, press, work
from wordpress import importing, imports, tasks
from wordpress.folders import Folder, Mark
from wordpress.media_folder import MediaFolder
from wordpress.models import Import, State, Step
from wordpress.permissions import may_import
from wordpress.tasks import run

pytestmark = pytest.mark.django_db

LIST = "/admin/wordpress/import/"
FILES = [f"2014/03/{name}.png" for name in "abc"]


@pytest.fixture
def owner() -> User:
    user: User = UserFactory(is_staff=True, is_superuser=True, display_name="Olga Owner")
    return user


@pytest.fixture
def desk(owner: User) -> Client:
    return at_desk(owner)


def file(content: str | bytes = "", name: str = "blog.xml") -> SimpleUploadedFile:
    content = content or export(item(7), attachment(8))
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def zipped(*members: tuple[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def upload(client: Client, *files: SimpleUploadedFile, key: uuid.UUID | None = None) -> Any:
    return client.post(UPLOAD, {"key": str(key or uuid.uuid4()), "exports": list(files or [file()])})


def uploaded(client: Client, *files: SimpleUploadedFile) -> Import:
    """An import that was uploaded and read."""
    upload(client, *files)
    work()
    return Import.objects.get()


def page(client: Client, found: Import) -> str:
    response = client.get(found.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def downloaded_report(client: Client, found: Import) -> Any:
    response: Any = client.get(address(found, "report.json"))
    assert response["Content-Disposition"].startswith("attachment")
    # Reading it to its end closes it.
    return json.loads(response.getvalue())


class TestWhoMay:
    """Nobody but those who run the site."""

    ROLES = [("nobody", 302), ("staff", 403), ("Author", 403), ("Editor", 403), ("Moderator", 403)]

    @pytest.mark.parametrize(("role", "status"), ROLES)
    def test_the_roles_may_not(self, role: str, status: int, desk: Client) -> None:
        upload(desk)
        found = Import.objects.get()
        client = at_desk(person(role))
        for path in (LIST, UPLOAD, *(address(found, name) for name in ("change/", "delete/", "progress/"))):
            assert client.get(path).status_code == status
        assert client.get(address(found, "report.json")).status_code == status
        for action in ("start/", "cancel/", "delete/"):
            assert client.post(address(found, action), {"step": "import", "post": "yes"}).status_code == status
        assert upload(client).status_code == status
        assert list(Import.objects.values_list("pk", "state")) == [(found.pk, State.WAITING)]
        assert not Folder(found.pk).is_asked_to_stop()

    def test_the_owner_may(self, desk: Client) -> None:
        found = uploaded(desk)
        for path in ("/admin/", LIST, UPLOAD, *(address(found, name) for name in ("change/", "delete/", "progress/"))):
            assert desk.get(path).status_code == 200

    def test_somebody_given_the_permission_may(self) -> None:
        user = UserFactory(is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="import_wordpress"))
        client = at_desk(user)
        found = uploaded(client)
        press(client, found, "import")
        work()
        assert Post.objects.count() == 1

    def test_staff_only(self) -> None:
        assert not may_import(UserFactory(is_superuser=True))

    def test_a_form_from_elsewhere_does_nothing(self, owner: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)
        assert upload(client).status_code == 403
        assert not Import.objects.exists()


class TestTheWholeWay:
    def test_upload_reads_and_changes_nothing(self, desk: Client) -> None:
        found = uploaded(desk)
        assert (found.state, found.step, found.names) == (State.READY, Step.READING, ["blog.xml"])
        assert found.found["items"] == {"post": 1, "attachment": 1}
        assert found.found["authors"] == [["anna", "Anna A."]]
        assert not Post.objects.exists()
        assert "Try it out (dry run)" in page(desk, found)

    def test_dry_run_then_the_import(self, desk: Client) -> None:
        found = uploaded(desk)
        press(desk, found, "trial")
        work()
        found.refresh_from_db()
        assert (found.state, found.report["counts"]["post"]["imported"]) == (State.READY, 1)
        assert not Post.objects.exists()
        assert "This was a dry run: nothing was changed." in page(desk, found)

        press(desk, found, "import")
        work()
        found.refresh_from_db()
        assert found.state == State.DONE
        assert Post.objects.get().pk == 7
        shown = page(desk, found)
        assert "What the import did:" in shown
        assert "1 × file: Its file did not come along" in shown
        assert "A (8)" in shown

    def test_report_can_be_downloaded(self, desk: Client) -> None:
        found = uploaded(desk)
        assert desk.get(address(found, "report.json")).status_code == 404
        press(desk, found, "import")
        work()
        report = downloaded_report(desk, found)
        assert report["counts"]["file"]["skipped"] == 1
        assert [left["id"] for left in report["skipped"]] == [8]
        assert report["files"] == ["blog.xml"]

    def test_again_changes_nothing_and_says_so(self, desk: Client) -> None:
        for _time in range(2):
            upload(desk)
            work()
            found = Import.objects.latest("uploaded_at")
            press(desk, found, "import")
            work()
        assert "Everything was here already" in page(desk, found)

    def test_several_files(self, desk: Client) -> None:
        found = uploaded(desk, file(export(item(7)), "a.xml"), file(export(item(8)), "b.xml"))
        press(desk, found, "import")
        work()
        assert set(Post.objects.values_list("pk", flat=True)) == {7, 8}

    def test_the_list_names_them(self, desk: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        uploaded(desk)
        for number in range(5):
            Import.objects.create(names=[f"{number}.xml"], state=State.DONE, started_by=UserFactory())
        with django_assert_num_queries(6):
            shown = desk.get(LIST).content.decode()
        assert "blog.xml" in shown
        assert "waits for you" in shown

    def test_pages_ask_a_fixed_number_of_queries(
        self, desk: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        names = [author(f"login{number}", id=number) for number in range(1, 30)]
        UserFactory.create_batch(10)
        found = uploaded(desk, file(export(*(item(n, creator=f"login{n}") for n in range(1, 30)), authors=names)))
        with django_assert_max_num_queries(5):
            page(desk, found)


class TestFiles:
    """Pictures and documents are fetched from the old site, if that is wanted."""

    @pytest.fixture(autouse=True)
    def old_site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = MediaFolder(put(tmp_path / "files", *FILES))
        monkeypatch.setattr(importing, "Fetching", lambda hosts: folder)

    @pytest.fixture
    def found(self, desk: Client) -> Import:
        return uploaded(desk, file(export(item(7), *(attachment(30 + n, path) for n, path in enumerate(FILES)))))

    @pytest.mark.parametrize(("chosen", "number"), [({"fetch_media": "on"}, 3), ({}, 0)])
    def test_they_are_fetched_if_that_is_chosen(
        self, chosen: dict[str, str], number: int, found: Import, desk: Client
    ) -> None:
        assert "Fetch pictures, documents and recordings from the old site" in page(desk, found)
        press(desk, found, "import", **chosen)
        work()
        found.refresh_from_db()
        assert (found.state, Picture.objects.count()) == (State.DONE, number)

    def test_a_dry_run_fetches_none_and_keeps_the_choice(self, found: Import, desk: Client) -> None:
        press(desk, found, "trial", fetch_media="on")
        work()
        assert not Picture.objects.exists()
        assert re.search(r'<input[^>]* name="fetch_media"[^>]* checked', page(desk, found))

    def test_without_files_in_the_export_nothing_is_asked(self, desk: Client) -> None:
        assert "fetch_media" not in page(desk, uploaded(desk, file(export(item(7)))))

    def test_cancelled_among_them_what_came_stays_and_the_rest_can_follow(
        self, found: Import, desk: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def asked(folder: Folder) -> bool:
            mark = folder.progress()
            return mark is not None and mark.stage == "files"

        press(desk, found, "import", fetch_media="on")
        with monkeypatch.context() as patch:
            patch.setattr(Folder, "is_asked_to_stop", asked)
            patch.setattr(tasks, "_PAUSE", 0)
            work()
        found.refresh_from_db()
        assert (found.state, Post.objects.count(), Picture.objects.count()) == (State.INTERRUPTED, 1, 2)
        assert "some files are still to come" in page(desk, found)

        press(desk, found, "import", fetch_media="on")
        work()
        found.refresh_from_db()
        assert (found.state, Post.objects.count(), Picture.objects.count()) == (State.DONE, 1, 3)


class TestWhoIsWho:
    def test_an_author_is_somebody_here(self, desk: Client, owner: User) -> None:
        found = uploaded(desk)
        assert "Anna A. (anna)" in page(desk, found)
        press(desk, found, "import", author_0=owner.username)
        work()
        assert Post.objects.get().author == owner
        assert not User.objects.filter(username="anna").exists()

    def test_else_somebody_new(self, desk: Client) -> None:
        found = uploaded(desk)
        press(desk, found, "import")
        work()
        assert Post.objects.get().author.username == "anna"
        assert not Post.objects.get().author.has_usable_password()

    def test_the_choice_is_kept_from_the_dry_run(self, desk: Client, owner: User) -> None:
        found = uploaded(desk)
        press(desk, found, "trial", author_0=owner.username)
        work()
        assert f'<option value="{owner.username}" selected>' in page(desk, found)

    def test_nobody_who_is_not_here(self, desk: Client) -> None:
        found = uploaded(desk)
        response = desk.post(address(found, "start/"), {"step": "import", "author_0": "stranger"})
        assert "Select a valid choice" in response.content.decode()
        work()
        assert Import.objects.get().state == State.READY

    def test_somebody_who_left_meanwhile(self, desk: Client) -> None:
        found = uploaded(desk)
        other = UserFactory(username="other")
        press(desk, found, "import", author_0="other")
        other.delete()
        work()
        found.refresh_from_db()
        assert found.state == State.INTERRUPTED
        assert "There is no person “other” here." in page(desk, found)
        press(desk, found, "import")
        work()
        assert Post.objects.exists()


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"MZ\x90\x00 not XML", "This is not XML."),
            (b"<!DOCTYPE rss [<!ENTITY a 'b'>]><rss/>", "document type"),
            (b"<rss><channel></channel></rss>", "plain feed"),
            (export(item(7))[:-30].encode(), "the XML is broken"),
            (b"PK\x03\x04 no archive", "cannot be unpacked"),
            (b"\x1f\x8b\x08\x00broken", "cannot be unpacked"),
            (zipped(("readme.txt", "hello")), "there is no XML file"),
            (zipped(("inner.xml", zipped(("blog.xml", export())))), "This is an archive"),
            (gzip.compress(b"x" * 100, mtime=0), "This is not XML."),
        ],
        ids=("program", "document type", "feed", "cut", "zip", "gzip", "no xml", "nested", "gzipped"),
    )
    def test_refused_with_its_reason_and_deleted(self, desk: Client, content: bytes, said: str) -> None:
        found = uploaded(desk, file(content))
        assert found.state == State.REFUSED
        shown = page(desk, found)
        assert said in shown
        assert "Nothing was imported." in shown
        assert str(Folder(found.pk).path) not in shown
        assert not Folder(found.pk).files()

    def test_bomb(self, desk: Client, settings: Settings) -> None:
        settings.BROADSIDE_IMPORT_MAX_BYTES = 10_000_000
        bomb = zipped(("bomb.xml", b"<rss>" + b" " * 30_000_000))
        assert len(bomb) < 100_000
        found = uploaded(desk, file(bomb, "bomb.zip"))
        assert found.state == State.REFUSED
        assert "bomb.zip: unpacked it is larger than" in found.problem.replace("\xa0", " ")

    def test_many_small_ones_are_a_bomb_too(self, desk: Client, settings: Settings) -> None:
        settings.BROADSIDE_IMPORT_MAX_BYTES = 10_000_000
        bomb = zipped(*((f"{number}.xml", b"<rss>" + b" " * 3_000_000) for number in range(5)))
        assert uploaded(desk, file(bomb, "bomb.zip")).state == State.REFUSED

    def test_names_lead_nowhere(self, desk: Client, settings: Settings) -> None:
        root = Path(settings.BROADSIDE_IMPORTS_DIR)
        names = ["../../evil.xml", "/tmp/evil.xml", "a/../../evil.xml", "C:\\evil.xml"]  # noqa: S108  # a name of a file, not a place
        packed = zipped(*((name, export(item(number))) for number, name in enumerate(names, 1)))
        found = uploaded(desk, file(packed, "..\\..\\up.zip"))
        assert found.state == State.READY
        assert found.found["items"] == {"post": len(names)}
        assert [path.name for path in root.iterdir()] == [str(found.pk)]
        assert not list(root.parent.glob("evil*"))

    @pytest.mark.parametrize("name", ["../../evil.xml", "a/b.xml", ".xml", "ж" * 250 + ".xml", "a\nb.xml", "<b>.xml"])
    def test_names_of_uploads(self, desk: Client, name: str) -> None:
        found = uploaded(desk, file(name=name))
        assert found.state == State.READY
        assert Folder(found.pk).files()[0].parent.parent.parent == Folder(found.pk).path
        assert "<b>" not in page(desk, found)

    def test_too_large_is_not_even_read(self, desk: Client, settings: Settings) -> None:
        settings.BROADSIDE_IMPORT_MAX_BYTES = 1000
        response = upload(desk, file("<rss>" + " " * 2000))
        assert response.status_code == 413
        assert "IMPORT_MAX_MB" in response.content.decode()
        assert not Import.objects.exists()

    @pytest.mark.parametrize("files", [[], [SimpleUploadedFile("a.xml", b"")]])
    def test_nothing_to_read(self, desk: Client, files: list[SimpleUploadedFile]) -> None:
        response = desk.post(UPLOAD, {"key": str(uuid.uuid4()), "exports": files})
        assert response.context["form"].errors["exports"]
        assert not Import.objects.exists()


class TestPrivacy:
    def test_nobody_else_on_the_machine_can_read_uploads(self, desk: Client, settings: Settings) -> None:
        upload(desk, file(), file("x" * 3_000_000, "large.xml"))
        folder = Folder(Import.objects.get().pk)
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        assert [stat.S_IMODE(path.stat().st_mode) for path in folder.files()] == [0o600, 0o600]
        assert not folder.path.is_relative_to(settings.MEDIA_ROOT)

    def test_uploads_go_with_the_import(self, desk: Client) -> None:
        found = uploaded(desk)
        press(desk, found, "import")
        work()
        assert not Folder(found.pk).files()

    def test_uploads_go_when_somebody_deletes_them(self, desk: Client) -> None:
        found = uploaded(desk)
        desk.post(address(found, "delete/"), {"post": "yes"})
        assert not Import.objects.exists()
        assert not Folder(found.pk).path.exists()

    def test_a_task_deletes_what_nobody_goes_on_with(self, desk: Client, settings: Settings) -> None:
        found = uploaded(desk)
        press(desk, found, "trial")
        work()
        long_ago = timezone.now() - dt.timedelta(days=settings.BROADSIDE_IMPORT_KEEP_DAYS, minutes=1)
        Import.objects.update(since=long_ago)
        waiting = DBTaskResult.objects.get(task_path="wordpress.tasks.forget")
        assert waiting.run_after > timezone.now() + dt.timedelta(days=settings.BROADSIDE_IMPORT_KEEP_DAYS - 1)
        DBTaskResult.objects.update(run_after=timezone.now(), finished_at=timezone.now() - dt.timedelta(days=20))
        work()
        found.refresh_from_db()
        assert (found.state, Folder(found.pk).files()) == (State.INTERRUPTED, [])
        assert "Its files were deleted" in page(desk, found)
        assert downloaded_report(desk, found)["dry_run"]
        assert not DBTaskResult.objects.filter(task_path="wordpress.tasks.run").exists()

    def test_fresh_uploads_stay(self, desk: Client) -> None:
        found = uploaded(desk)
        imports.forget_old()
        assert Folder(found.pk).files()


class TestOneAtATime:
    def test_a_form_sent_twice_is_one_import(self, desk: Client) -> None:
        key = uuid.uuid4()
        responses = [upload(desk, key=key), upload(desk, key=key)]
        assert len({response["Location"] for response in responses}) == 1
        assert Import.objects.count() == 1

    def test_a_button_pressed_twice_starts_once(self, desk: Client) -> None:
        found = uploaded(desk)
        press(desk, found, "import")
        press(desk, found, "trial")
        assert Import.objects.get().step == Step.IMPORT
        assert DBTaskResult.objects.ready().filter(task_path="wordpress.tasks.run").count() == 1

    def test_two_people_upload(self, desk: Client) -> None:
        first = upload(desk)
        second = upload(at_desk(person("superuser")))
        assert second["Location"] == first["Location"]
        assert Import.objects.count() == 1

    def test_two_people_start_one_each(self, desk: Client) -> None:
        first = uploaded(desk)
        upload(desk, file(export(item(9)), "other.xml"))
        work()
        other = Import.objects.exclude(pk=first.pk).get()
        press(desk, first, "import")
        second = at_desk(person("superuser"))
        response = second.post(address(other, "start/"), {"step": "import"}, follow=True)
        assert response.redirect_chain[-1][0] == first.get_absolute_url()
        assert "Another import is under way" in response.content.decode()
        assert set(Import.objects.values_list("pk", "state")) == {
            (first.pk, State.WAITING),
            (other.pk, State.READY),
        }

    def test_the_database_holds_it(self) -> None:
        Import.objects.create(state=State.RUNNING)
        with pytest.raises(Exception, match="one_active_import"):
            Import.objects.create(state=State.WAITING)

    def test_a_task_told_twice_does_it_once(self, desk: Client) -> None:
        found = uploaded(desk)
        press(desk, found, "import")
        run.enqueue(str(found.pk))
        work()
        assert Import.objects.get().state == State.DONE
        run.enqueue(str(uuid.uuid4()))
        work()
        assert not DBTaskResult.objects.failed().exists()

    def test_the_active_one_cannot_be_deleted(self, desk: Client) -> None:
        upload(desk)
        found = Import.objects.get()
        desk.post(address(found, "delete/"), {"post": "yes"})
        desk.post(LIST, {"action": "delete_selected", "_selected_action": str(found.pk), "post": "yes"})
        assert Import.objects.exists()


class TestCancelling:
    def test_before_it_began(self, desk: Client) -> None:
        upload(desk)
        found = Import.objects.get()
        desk.post(address(found, "cancel/"))
        work()
        found.refresh_from_db()
        assert (found.state, found.found) == (State.INTERRUPTED, {})
        press(desk, found, "reading")
        work()
        found.refresh_from_db()
        assert found.state == State.READY

    def test_in_the_middle_takes_everything_back(self, desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        found = uploaded(desk)
        press(desk, found, "import")
        tell = Folder.tell

        def told(folder: Folder, mark: Any) -> None:
            tell(folder, mark)
            if mark.stage == "reading":
                assert "Cancel" in page(desk, found)
                desk.post(address(found, "cancel/"))
                assert "Being cancelled" in page(desk, found)

        monkeypatch.setattr(Folder, "tell", told)
        work()
        found.refresh_from_db()
        assert (found.state, found.problem) == (State.INTERRUPTED, "It was cancelled. Nothing was changed here.")
        assert not Post.objects.exists()
        assert not User.objects.filter(username="anna").exists()
        monkeypatch.undo()
        press(desk, found, "import")
        work()
        assert Post.objects.exists()

    def test_too_late_changes_nothing(self, desk: Client) -> None:
        found = uploaded(desk)
        press(desk, found, "import")
        work()
        desk.post(address(found, "cancel/"))
        assert Import.objects.get().state == State.DONE
        assert not Folder(found.pk).files()

    def test_only_by_a_form(self, desk: Client) -> None:
        upload(desk)
        assert desk.get(address(Import.objects.get(), "cancel/")).status_code == 405
        assert desk.get(address(Import.objects.get(), "start/")).status_code == 405


class TestTheWorker:
    def test_page_says_when_none_seems_to_run(self, desk: Client) -> None:
        upload(desk)
        found = Import.objects.get()
        assert "No worker is running" not in page(desk, found)
        Import.objects.update(since=timezone.now() - imports.PATIENCE * 2)
        assert "No worker is running" in page(desk, found)
        work()
        assert "No worker is running" not in page(desk, found)

    def test_died_in_the_middle(self, desk: Client) -> None:
        found = uploaded(desk)
        press(desk, found, "import")
        # What a process leaves that is killed at work.
        Import.objects.update(state=State.RUNNING)
        DBTaskResult.objects.all().delete()
        shown = page(desk, found)
        assert "The worker stopped in the middle." in shown
        assert desk.get(address(found, "progress/")).json()["situation"].startswith("running")
        press(desk, found, "import")
        work()
        assert Import.objects.get().state == State.DONE
        assert Post.objects.exists()

    def test_a_dead_one_is_in_nobodys_way(self, desk: Client) -> None:
        dead = Import.objects.create(state=State.RUNNING, names=["dead.xml"])
        upload(desk)
        dead.refresh_from_db()
        assert dead.state == State.INTERRUPTED
        assert Import.objects.count() == 2

    def test_a_living_one_is_not_given_up(self, desk: Client) -> None:
        alive = Import.objects.create(state=State.RUNNING, names=["alive.xml"])
        folder = Folder(alive.pk)
        folder.make()
        with folder.held():
            assert upload(desk)["Location"] == alive.get_absolute_url()
            assert "The worker stopped" not in page(desk, alive)
        assert "The worker stopped" in page(desk, alive)

    def test_a_fault_of_ours_is_said_and_kept_for_the_log(self, desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        found = uploaded(desk)
        press(desk, found, "import")
        monkeypatch.setattr("wordpress.importing.content_changed", lambda: 1 / 0)
        work()
        assert "Something went wrong" in page(desk, found)
        assert not Post.objects.exists()
        assert DBTaskResult.objects.failed().get().exception_class_path.endswith("ZeroDivisionError")

    def test_files_that_are_gone(self, desk: Client) -> None:
        upload(desk)
        found = Import.objects.get()
        Folder(found.pk).remove()
        work()
        found.refresh_from_db()
        assert found.state == State.REFUSED
        assert "upload them again" in page(desk, found)


class TestProgress:
    def test_what_the_script_is_told(self, desk: Client) -> None:
        found = Import.objects.create(state=State.RUNNING, step=Step.IMPORT, names=["a.xml"])
        folder = Folder(found.pk)
        folder.make()
        with folder.held():
            assert desk.get(address(found, "progress/")).json()["share"] is None
            folder.tell(Mark("importing", 500, 2000, began=1000, at=1060))
            told = desk.get(address(found, "progress/")).json()
        assert (told["doing"], told["share"]) == ("Importing: 500 of 2,000, 25 %", 25)
        assert told["left"] == "about 3 minutes left"

    def test_page_loads_itself_again_without_a_script(self, desk: Client) -> None:
        upload(desk)
        found = Import.objects.get()
        assert 'http-equiv="refresh"' in page(desk, found)
        work()
        assert "http-equiv" not in page(desk, found)

    def test_what_is_not_there(self, desk: Client) -> None:
        nobody = Import(pk=uuid.uuid4())
        assert desk.get(address(nobody, "progress/")).status_code == 404
        assert desk.get(address(nobody, "change/")).status_code == 404
        assert desk.get("/admin/wordpress/import/nonsense/change/").status_code == 404
