"""The media library: uploading many files at once, with progress and a message for each refused file."""

import pytest
from playwright.sync_api import FilePayload

from media.models import Document, Picture
from tests.factories import UserFactory
from tests.factories.files import PDF, picture
from tests.factories.types import LogIn

pytestmark = pytest.mark.django_db(transaction=True)


def test_many_files_are_uploaded_at_once(log_in: LogIn) -> None:
    UserFactory(username="ruth", role="Editor")
    page = log_in("ruth", "/admin/media/picture/")
    # The search still fits on one line beside many filters.
    search = [page.locator(f"#changelist-search {each}").bounding_box() for each in ("#searchbar", "[type=submit]")]
    assert all(search)
    assert len({box["y"] for box in search if box}) == 1
    chooser = page.get_by_label("Add files")
    files = [
        FilePayload(name="lamp.png", mimeType="image/png", buffer=picture()),
        FilePayload(name="page.html", mimeType="text/html", buffer=b"<script>alert(1)</script>"),
        FilePayload(name="report.pdf", mimeType="application/pdf", buffer=PDF),
        FilePayload(name="run.exe", mimeType="application/octet-stream", buffer=b"MZ"),
    ]
    chooser.set_input_files(files)
    # A double click adds the files only once.
    page.get_by_role("button", name="Upload").dblclick()
    status = page.get_by_role("status")
    status.get_by_text("page.html: Files of the type “.html” can't be published here.").wait_for()
    # The page shows the new image by now, and the errors beside it.
    page.locator(".media-grid li").wait_for()
    assert page.locator(".media-progress li").count() == 2
    # Each error names its file once, and all of them are announced.
    announced = status.inner_text()
    assert [announced.count(name) for name in ("page.html", "run.exe")] == [1, 1]
    assert page.locator(".media-progress li").first.inner_text().count("page.html") == 1
    assert (Picture.objects.count(), Document.objects.count()) == (1, 1)
    # Without errors, the list shows the new files immediately.
    chooser.set_input_files(files[:1])
    page.get_by_role("button", name="Upload").press("Enter")
    page.locator(".media-grid li").nth(1).wait_for()
    assert not page.locator(".media-progress li").count()
    assert Picture.objects.count() == 2
    page.get_by_label("Select all").check()
    page.get_by_text("2 of 2 selected").wait_for()
    assert page.locator(".media-grid .action-select:checked").count() == 2
