"""Upload every hostile file to the running site: granian and the worker, started as the demo starts them.

Each file is stored clean or refused with an explanation. Nothing else is left of it, and both processes keep running.
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.factories import wxr
from tests.factories.files import picture
from tests.factories.hostile_files import CLEANED, REFUSED, reveals
from tests.factories.made_once import CopyDatabase
from tests.factories.programs import ROOT, run
from tests.factories.servers import free_port

FILES: Final = {**REFUSED, **CLEANED}
# A site with a logged-in editor, and with files to replace.
PREPARE: Final = """
import django
django.setup()
from django.core.files.base import ContentFile
from django.test import Client
from media.documents import store_document
from media.pictures import store_picture
from tests.factories import UserFactory
from tests.factories.files import PDF, picture
client = Client()
client.force_login(UserFactory(role="Editor"))
old_picture = store_picture(ContentFile(picture(), name="old.png"))
old_document = store_document(ContentFile(PDF, name="old.pdf"))
print(client.cookies["sessionid"].value, old_picture.pk, old_document.pk)
"""
IMPORT: Final = """
import django
django.setup()
from django.core.management import call_command
call_command("import_wordpress", {export!r}, media={folder!r}, verbosity=0)
from django.db.models import Q
from media.models import Document, Picture
for model in (Picture, Document):
    for name in model.objects.filter(title__startswith="imported").values_list("file", flat=True):
        print(name)
"""
TOKEN: Final = "x" * 32


@dataclass
class Site:
    """A running site with an editor's session, and the IDs of an image and a PDF that can be replaced."""

    port: int
    data: Path
    environment: dict[str, str]
    session: str
    picture: str
    document: str

    def post(self, path: str, values: dict[str, Any], accept: str = "text/html") -> tuple[int, str]:
        """Send a form, and return the status and the body of the response."""
        headers = {
            "Content-Type": MULTIPART_CONTENT,
            "Cookie": f"sessionid={self.session}; csrftoken={TOKEN}",
            "Accept": accept,
        }
        body = encode_multipart(BOUNDARY, {"csrfmiddlewaretoken": TOKEN, **values})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        content = response.read().decode()
        connection.close()
        return response.status, content

    def stored(self) -> dict[Path, bytes]:
        """Return the uploaded files with their content, without those that the worker writes as a check."""
        folders = [self.data / "media/pictures", self.data / "media/documents"]
        paths = [path for folder in folders for path in folder.rglob("*") if not path.name.startswith("check")]
        return {path: path.read_bytes() for path in paths if path.is_file()}

    def left_over(self) -> list[str]:
        """Return the temporary files that still exist."""
        hidden = (path for path in (self.data / "media").rglob(".*"))
        return [str(path) for path in (*(self.data / "imports").iterdir(), *hidden)]


@pytest.fixture
def site(tmp_path: Path, copy_database: CopyDatabase) -> Iterator[Site]:
    data = tmp_path / "data"
    copy_database(data)
    port = free_port()
    # Set even if empty, so that a developer's own `.env` has no effect.
    environment = dict.fromkeys(("CACHE_URL", "STORAGE_URL", "EMAIL_URL"), "")
    environment |= {"SECRET_KEY": "x", "DEBUG": "0", "SITE_URL": f"http://127.0.0.1:{port}"}
    environment["DATABASE_URL"] = f"sqlite:///{data}/broadside.sqlite3"
    prepared = run(data, PREPARE, **environment)
    assert prepared.returncode == 0, prepared.stderr
    inherited = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "BROADSIDE_DATA": str(data)}
    log = (data.parent / "log").open("wb")

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=inherited | environment, stdout=log, stderr=log)  # noqa: S603  our own program

    server = start("-m", "granian", "--interface", "rsgi", "--port", str(port), "--no-ws", "config.rsgi:application")
    worker = start("manage.py", "worker", "--verbosity", "0")
    try:
        _wait(lambda: _is_listening(port))
        yield Site(port, data, environment, *prepared.stdout.split())
        assert (server.poll(), worker.poll()) == (None, None)
        assert "Traceback" not in (data.parent / "log").read_text()
    finally:
        for process in (server, worker):
            process.terminate()
            process.wait(timeout=30)
        log.close()


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(is_done: Callable[[], bool]) -> None:
    for _ in range(6000):
        if is_done():
            return
        time.sleep(0.05)
    pytest.fail("It took more than five minutes.")


class Upload:
    """A file in the form that Django's multipart encoder accepts."""

    content_type = "application/octet-stream"

    def __init__(self, content: bytes, name: str) -> None:
        self._content, self.name = content, name

    def read(self) -> bytes:
        return self._content


def _by_json(path: str, field: str) -> Callable[[Site, Upload], str]:
    def send(site: Site, file: Upload) -> str:
        status, body = site.post(path, {field: file}, accept="application/json")
        assert status in {200, 400}
        return str(json.loads(body).get("error", ""))

    return send


def _by_form(path: str, field: str) -> Callable[[Site, Upload], str]:
    def send(site: Site, file: Upload) -> str:
        values = {field: file, "title": "", "alt": "", "caption": ""}
        status, body = site.post(path.format(picture=site.picture, document=site.document), values)
        errors = re.search(r'class="errorlist"[^>]*>\s*<li>([^<]*)', body)
        assert (status, bool(errors)) in {(302, False), (200, True)}
        return errors[1] if errors else ""

    return send


IMAGES, PDFS, OTHERS = "images", "PDFs", "other documents"
# For each upload route, how a file is sent and which files are accepted.
ROUTES: Final[dict[str, tuple[Callable[[Site, Upload], str], set[str]]]] = {
    "library": (_by_json("/admin/media/upload/", "files"), {IMAGES, PDFS, OTHERS}),
    "editor": (_by_json("/admin/markdownx/upload/", "image"), {IMAGES, PDFS, OTHERS}),
    "featured image": (_by_form("/admin/media/picture/add/?_to_field=id", "file"), {IMAGES}),
    "document": (_by_form("/admin/media/document/add/", "file"), {PDFS, OTHERS}),
    "replace an image": (_by_form("/admin/media/picture/{picture}/change/", "replacement"), {IMAGES}),
    "replace a PDF": (_by_form("/admin/media/document/{document}/change/", "replacement"), {PDFS}),
}


def _kind(case: str) -> str:
    content, name = CLEANED[case]
    # The content decides, not the name.
    is_image = name.endswith((".webp", ".avif")) or content.startswith((b"\xff\xd8", b"\x89PNG", b"GIF8"))
    return IMAGES if is_image else PDFS if content.startswith(b"%PDF") else OTHERS


def _cases(route: str) -> list[str]:
    """Return every third file, so that each takes two of the six routes.

    `test_hostile_uploads` uploads each of them to the library.
    """
    return [*FILES][[*ROUTES].index(route) % 3 :: 3]


def _try_some(site: Site, route: str) -> dict[str, str]:
    """Upload the files for this route, and return the result for each."""
    send, _accepted = ROUTES[route]
    results = {}
    for case in _cases(route):
        content, name = FILES[case]
        before = site.stored()
        error = send(site, Upload(content, name))
        new = {path: stored for path, stored in site.stored().items() if before.get(path) != stored}
        if error:
            assert error.rstrip().endswith((".", "…")), (case, error)
            assert not new, case
        else:
            # A replaced file is kept, and its replacement may be identical to it.
            assert len(new) == 1 or (route.startswith("replace") and len(new) == 2), case
        results[case] = "refused" if error else "revealing" if any(map(reveals, new.values())) else "stored clean"
    return results


def _expected(case: str, route: str) -> str:
    _send, accepted = ROUTES[route]
    is_accepted = case in CLEANED and _kind(case) in accepted
    # An animated GIF can't replace a still image.
    if (route, case) == ("replace an image", "a GIF with a comment"):
        is_accepted = False
    return "stored clean" if is_accepted else "refused"


def _import_all(site: Site, tmp_path: Path) -> None:
    """Import each file as an attachment of a blog. All are cleaned or left out."""
    folder = tmp_path / "uploads/2014/05"
    folder.mkdir(parents=True)
    parts = []
    for number, (content, name) in enumerate(FILES.values()):
        path = f"2014/05/{number}-{Path(name).name}"
        (tmp_path / "uploads" / path).write_bytes(content)
        parts.append(wxr.attachment(1000 + number, path, title=f"imported {number}"))
    export = wxr.write(tmp_path, wxr.export(*parts))
    before = site.stored()
    result = run(site.data, IMPORT.format(export=str(export), folder=str(tmp_path / "uploads")), **site.environment)
    assert result.returncode == 0, result.stderr
    names = {line for line in result.stdout.splitlines() if line.startswith(("pictures/", "documents/"))}
    new = {path: content for path, content in site.stored().items() if path not in before}
    assert {str(path.relative_to(site.data / "media")) for path in new} == names
    images = [path for path in new if "pictures" in path.parts]
    assert min(len(images), len(new) - len(images)) > 10
    assert [path for path, content in new.items() if reveals(content)] == []


# A single test, because starting the site takes longer than all uploads.
def test_each_file_is_cleaned_or_refused_on_two_routes(site: Site, tmp_path: Path) -> None:
    table = {route: _try_some(site, route) for route in ROUTES}
    assert table == {route: {case: _expected(case, route) for case in _cases(route)} for route in ROUTES}
    assert all("stored clean" in results.values() and "refused" in results.values() for results in table.values())
    _import_all(site, tmp_path)
    assert site.left_over() == []
    # The worker processes this file after all the accepted ones.
    site.post("/admin/media/upload/", {"files": Upload(picture(size=(1234, 900)), "good.png")})
    _wait(lambda: any((site.data / "media/renditions").rglob("*-1234.*")))
