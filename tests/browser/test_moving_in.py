"""Moving in by mouse and keyboard: upload, progress, report; with JavaScript and without."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from blog.models import Post
from tests.browser.test_accessibility import DEVICES, faults
from tests.browser.test_whole_way import PASSWORD
from tests.factories import UserFactory
from tests.wordpress.exports import author, comment, export, item, page, write
from tests.wordpress.worker import UPLOAD, work
from wordpress import imports
from wordpress.folders import Folder, Mark
from wordpress.models import Import, State, Step

pytestmark = pytest.mark.django_db(transaction=True)

type LogIn = Callable[..., Page]


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    people = [author(), author("ben-from-the-archive", id=2, name="Ben B.")]
    attachments = [item(number, title=f"Picture {number}", post_type="attachment") for number in range(30, 60)]
    secret = item(8, title="Kept secret", post_password="x", creator="ben-from-the-archive")
    parts = [item(7, inside=[comment(1)]), secret, page(20), *attachments]
    return write(tmp_path, export(*parts, authors=people), "blog.wordpress.2026-11-24.000.xml")


@pytest.fixture
def owner() -> None:
    UserFactory(username="owner", display_name="Olga Owner", password=PASSWORD, is_staff=True, is_superuser=True)


def upload(desk: Page, blog: Path) -> Import:
    desk.set_input_files("#id_exports", blog)
    desk.click("text=Upload and read")
    desk.wait_for_url("**/change/")
    return Import.objects.get()


def test_upload_progress_and_report(log_in: LogIn, blog: Path, owner: None) -> None:
    desk = log_in("owner", "/admin/")
    desk.click("a[href='/admin/wordpress/import/add/']")
    upload(desk, blog)
    expect(desk.locator(".import-doing")).to_have_text("Waiting for the worker …")
    work()
    # The page has noticed by itself.
    expect(desk.locator("legend")).to_have_text("Who is who")
    expect(desk.locator(".import-counts")).to_contain_text("attachment")
    desk.select_option("#id_author_0", "owner")
    desk.click("text=Try it out (dry run)")
    expect(desk.locator(".import-progress")).to_be_visible()
    work()
    expect(desk.get_by_text("This was a dry run")).to_be_visible()
    expect(desk.locator("#id_author_0")).to_have_value("owner")
    assert not Post.objects.exists()

    desk.click("text=Import now")
    expect(desk.locator(".import-progress")).to_be_visible()
    work()
    expect(desk.get_by_text("What the import did:")).to_be_visible()
    desk.click("text=30 × attachment")
    expect(desk.get_by_text("… and 10 more")).to_be_visible()
    assert set(Post.objects.values_list("author__username", flat=True)) == {"owner", "ben-from-the-archive"}
    with desk.expect_download() as download:
        desk.click("text=Download the whole report")
    assert download.value.suggested_filename.endswith(".json")
    report = json.loads(download.value.path().read_text())
    assert len(report["skipped"]) == 30


def test_without_javascript(log_in: LogIn, blog: Path, owner: None) -> None:
    desk = log_in("owner", UPLOAD, java_script_enabled=False)
    found = upload(desk, blog)
    work()
    # Every five seconds the page loads itself again.
    expect(desk.locator("legend")).to_have_text("Who is who", timeout=15_000)
    desk.click("text=Import now")
    desk.click("text=Cancel")
    expect(desk.get_by_text("It was cancelled before it began.")).to_be_visible()
    desk.click("text=Import now")
    work()
    desk.goto(found.get_absolute_url())
    expect(desk.get_by_text("What the import did:")).to_be_visible()
    assert Post.objects.count() == 2


def test_numbers_change_by_themselves(log_in: LogIn, owner: None) -> None:
    found = Import.objects.create(state=State.RUNNING, step=Step.IMPORT, names=["a.xml"])
    folder = Folder(found.pk)
    folder.make()
    with folder.held():
        folder.tell(Mark("importing", 500, 2000, began=1000, at=1060))
        desk = log_in("owner", found.get_absolute_url())
        expect(desk.locator(".import-doing")).to_have_text("Importing: 500 of 2,000, 25 %")
        expect(desk.locator(".import-left")).to_have_text("about 3 minutes left")
        folder.tell(Mark("importing", 1990, 2000, began=1000, at=1060))
        expect(desk.locator(".import-doing")).to_have_text("Importing: 1,990 of 2,000, 99 %")
        expect(desk.locator(".import-spoken")).to_contain_text("99 %")
        expect(desk.locator("progress")).to_have_attribute("value", "99")
        desk.click("text=Cancel")
        expect(desk.locator(".import-doing")).to_have_text("Being cancelled …")
    # The worker is gone now.
    expect(desk.get_by_text("The worker stopped in the middle.")).to_be_visible()


def test_too_large_is_said_before_it_is_sent(log_in: LogIn, blog: Path, owner: None) -> None:
    desk = log_in("owner", UPLOAD)
    desk.eval_on_selector(".upload", "form => { form.dataset.maxBytes = 10; }")
    desk.set_input_files("#id_exports", blog)
    desk.click("text=Upload and read")
    expect(desk.locator(".errorlist")).to_contain_text("larger than")
    assert not Import.objects.exists()


def test_double_click_uploads_once(log_in: LogIn, blog: Path, owner: None) -> None:
    desk = log_in("owner", UPLOAD)
    desk.set_input_files("#id_exports", blog)
    desk.dblclick("text=Upload and read")
    desk.wait_for_url("**/change/")
    assert Import.objects.count() == 1


@pytest.mark.parametrize("device", DEVICES)
def test_axe_finds_nothing(log_in: LogIn, blog: Path, owner: None, device: str) -> None:
    desk = log_in("owner", UPLOAD, **DEVICES[device])
    found = {"upload": faults(desk)}
    import_ = upload(desk, blog)
    found["waiting"] = faults(desk)
    Import.objects.update(since=import_.since - imports.PATIENCE * 2)
    desk.reload()
    found["no worker"] = faults(desk)
    work()
    desk.reload()
    expect(desk.locator("legend")).to_be_visible()
    found["who is who"] = faults(desk)
    desk.click("text=Try it out (dry run)")
    expect(desk.locator(".import-progress")).to_be_visible()
    work()
    desk.reload()
    expect(desk.get_by_text("This was a dry run")).to_be_visible()
    desk.click("text=30 × attachment")
    found["report"] = faults(desk)
    Import.objects.update(state=State.REFUSED, problem="blog.xml: This is not XML. Nothing was imported.", report={})
    desk.reload()
    found["refused"] = faults(desk)
    desk.goto("/admin/wordpress/import/")
    found["list"] = faults(desk)
    assert found == dict.fromkeys(found, "")
