"""Importing from WordPress in a browser: upload, progress, report; with JavaScript and without."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from blog.models import Post
from core.models import SiteSettings
from tests.factories import PASSWORD, UserFactory
from tests.factories.import_jobs import LIST_URL, UPLOAD_URL
from tests.factories.pages import intercept
from tests.factories.types import Faults, LogIn, Work
from tests.factories.wxr import author, comment, export, item, page, write
from wordpress.models import ImportJob, JobState, JobStep
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobFolder, StageProgress

pytestmark = pytest.mark.django_db(transaction=True)

UPLOAD_AND_CANCEL = """async (button) => {
  const [cancel, status] = button.form.querySelectorAll("button[type=button], [role=status]");
  const state = () => [button.disabled, cancel.hidden, status.textContent];
  button.click();
  await new Promise((resolve) => setTimeout(resolve));
  const uploading = state();
  cancel.click();
  return [uploading, state()];
}"""


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


def upload(tab: Page, blog: Path) -> ImportJob:
    tab.set_input_files("#id_exports", blog)
    tab.click("text=Upload files")
    tab.wait_for_url("**/change/")
    return ImportJob.objects.get()


def test_an_export_is_imported_with_progress_and_a_report(log_in: LogIn, blog: Path, owner: None, work: Work) -> None:
    tab = log_in("owner", "/admin/")
    tab.get_by_role("link", name="Import/Export", exact=True).click()
    tab.click("a[href='/admin/wordpress/importjob/add/']")
    upload(tab, blog)
    expect(tab.locator(".import-activity")).to_have_text("Waiting for the worker…")
    work()
    # The page reloads on its own.
    expect(tab.locator("legend")).to_have_text("Authors")
    expect(tab.locator(".import-counts")).to_contain_text("media item")
    tab.select_option("#id_author_0", "owner")
    tab.click("text=Preview import")
    expect(tab.locator(".import-progress")).to_be_visible()
    work()
    expect(tab.get_by_text("This was a preview")).to_be_visible()
    expect(tab.locator("#id_author_0")).to_have_value("owner")
    assert not Post.objects.exists()

    tab.click("text=Import now")
    expect(tab.locator(".import-progress")).to_be_visible()
    work()
    expect(tab.get_by_text("The import did the following:")).to_be_visible()
    tab.click("text=30 × media item")
    expect(tab.get_by_text("… and 10 more")).to_be_visible()
    expect(tab.get_by_role("list", name="Checklist").get_by_role("listitem")).to_have_count(5)
    assert set(Post.objects.values_list("author__username", flat=True)) == {"owner", "ben-from-the-archive"}
    with tab.expect_download() as download:
        tab.click("text=Download the full report")
    assert download.value.suggested_filename.endswith(".json")
    report = json.loads(download.value.path().read_text())
    assert len(report["skipped"]) == 30


def test_importing_works_without_javascript(log_in: LogIn, blog: Path, owner: None, work: Work) -> None:
    tab = log_in("owner", UPLOAD_URL, java_script_enabled=False)
    job = upload(tab, blog)
    work()
    # The page reloads every five seconds.
    expect(tab.locator("legend")).to_have_text("Authors")
    tab.click("text=Import now")
    tab.click("text=Cancel")
    expect(tab.get_by_text("This was cancelled before it started. Nothing was changed.")).to_be_visible()
    tab.click("text=Import now")
    expect(tab.locator(".import-progress")).to_be_visible()
    work()
    tab.goto(job.get_absolute_url())
    expect(tab.get_by_text("The import did the following:")).to_be_visible()
    assert Post.objects.count() == 2


def test_progress_is_updated_automatically(log_in: LogIn, owner: None) -> None:
    job = ImportJob.objects.create(state=JobState.RUNNING, step=JobStep.IMPORT, file_names=["a.xml"])
    folder = JobFolder(job.pk)
    folder.create()
    with folder.locked():
        folder.write_progress(StageProgress("importing", 500, 2000, started_at=1000, updated_at=1060))
        tab = log_in("owner", job.get_absolute_url())
        expect(tab.locator(".import-activity")).to_have_text("Importing: 500 of 2,000 (25%)")
        expect(tab.locator(".import-time-left")).to_have_text("about 3 minutes left")
        folder.write_progress(StageProgress("importing", 1990, 2000, started_at=1000, updated_at=1060))
        expect(tab.locator(".import-activity")).to_have_text("Importing: 1,990 of 2,000 (99%)")
        expect(tab.locator(".import-announcement")).to_contain_text("99%")
        expect(tab.locator("progress")).to_have_attribute("value", "99")
        tab.click("text=Cancel")
        expect(tab.locator(".import-activity")).to_have_text("Cancelling…")
    # The worker has released its lock.
    expect(tab.get_by_text("The worker stopped unexpectedly.")).to_be_visible()


def test_an_upload_that_is_too_large_is_not_sent(log_in: LogIn, blog: Path, owner: None) -> None:
    tab = log_in("owner", UPLOAD_URL)
    tab.eval_on_selector(".upload", "form => { form.dataset.maxBytes = 10; }")
    tab.set_input_files("#id_exports", blog)
    tab.click("text=Upload files")
    expect(tab.locator(".errorlist")).to_contain_text("larger than")
    assert not ImportJob.objects.exists()


def test_an_upload_can_be_cancelled(log_in: LogIn, blog: Path, owner: None) -> None:
    tab = log_in("owner", UPLOAD_URL)
    # It takes for ever, and Playwright would wait for it.
    intercept(tab, f"**{UPLOAD_URL}", lambda route: None)
    tab.set_input_files("#id_exports", blog)
    states = tab.get_by_role("button", name="Upload files").evaluate(UPLOAD_AND_CANCEL)
    assert states == [[True, False, "Uploading…"], [False, True, ""]]
    expect(tab.get_by_role("button", name="Upload files")).to_be_focused()


def test_a_double_click_uploads_once(log_in: LogIn, blog: Path, owner: None) -> None:
    tab = log_in("owner", UPLOAD_URL)
    tab.set_input_files("#id_exports", blog)
    tab.dblclick("text=Upload files")
    tab.wait_for_url("**/change/")
    assert ImportJob.objects.count() == 1


def test_pages_are_accessible(log_in: LogIn, blog: Path, owner: None, faults: Faults, work: Work) -> None:
    tab = log_in("owner", UPLOAD_URL)
    problems = {"upload": faults(tab)}
    job = upload(tab, blog)
    problems["waiting"] = faults(tab)
    ImportJob.objects.update(state_since=job.state_since - lifecycle.WORKER_TIMEOUT * 2)
    tab.reload()
    problems["no worker"] = faults(tab)
    work()
    # From here on, the page reloads on its own when something changes.
    expect(tab.locator("legend")).to_be_visible()
    problems["authors"] = faults(tab)
    tab.click("text=Preview import")
    expect(tab.locator(".import-progress")).to_be_visible()
    work()
    expect(tab.get_by_text("This was a preview")).to_be_visible()
    tab.click("text=30 × media item")
    problems["report"] = faults(tab)
    SiteSettings.objects.update_or_create(pk=1, defaults={"title": "A title of its own"})
    tab.click("text=Import now")
    expect(tab.locator(".import-progress")).to_be_visible()
    work()
    take_title = tab.get_by_role("button", name="Use the title and tagline of the old blog here")
    expect(take_title).to_be_visible()
    problems["checklist"] = faults(tab)
    take_title.click()
    expect(tab.get_by_text("This site now has the title and tagline of the old blog.")).to_be_visible()
    problems["title taken"] = faults(tab)
    assert SiteSettings.current().title == "Old"
    ImportJob.objects.update(
        state=JobState.REJECTED, error="blog.xml: This is not XML. Nothing was imported.", report={}
    )
    tab.reload()
    problems["rejected"] = faults(tab)
    tab.goto(LIST_URL)
    problems["list"] = faults(tab)
    assert problems == dict.fromkeys(problems, "")
