"""Web servers on several machines that share the database, the cache and the object storage act as one site.

Each has its own data folder. Only import and export jobs need one that is shared with the worker.
"""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.factories.cache_server import cache_server
from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run

# Requests a page from the whole application, including the layers around Django.
GET = """
import io, json, sys
from config.wsgi import application
from comments.rules import rate_limit
# However long this takes, the comments are in one period.
rate_limit._current_period = lambda: 1

def get(path):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    environ["HTTP_HOST"] = "localhost:8000"
    environ |= {"wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http"}
    response = application(environ, lambda status, headers: None)
    page = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    return page
"""
FIRST = """
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
default_storage.connection.create_bucket(Bucket=default_storage.bucket_name)
from accounts.models import User
from comments.models import CommentSettings
from media.models import Picture
from tests.factories import PostFactory
from tests.factories.files import picture_file
from tests.factories.import_jobs import upload
from wordpress.models import ImportJob
comments = CommentSettings.current()
comments.comment_policy, comments.proof_of_work, comments.comments_per_sender = "open", False, 1
comments.save()
post = PostFactory(title="News")
reader, owner = (Client(headers={"host": "localhost"}) for _ in range(2))
owner.force_login(User.objects.create_superuser("owner"))
assert owner.post("/admin/media/upload/", {"files": picture_file()}).status_code < 400
form = {"name": "Ann", "email": "ann@example.org", "text": "Written on the first machine."}
assert reader.post(f"/comments/on/post/{post.pk}/", form).status_code == 302
page = get("/").decode()
assert "News" in page
assert upload(owner).status_code == 302
print(json.dumps({
    "post": post.pk, "path": post.get_absolute_url(), "picture": Picture.objects.get().file.url,
    "session": owner.cookies[settings.SESSION_COOKIE_NAME].value, "job": str(ImportJob.objects.get().pk),
}))
"""
SECOND = """
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from comments.models import Comment
from wordpress.models import ImportJob
first = json.loads({first!r})
reader, owner = (Client(headers={{"host": "localhost"}}) for _ in range(2))
owner.cookies[settings.SESSION_COOKIE_NAME] = first["session"]
with CaptureQueriesContext(connection) as queries:
    page = get("/").decode()
# The next request empties the log. A page that is in the cache takes one query at most.
is_rendered = len(queries) > 1
form = {{"name": "Ben", "email": "ben@example.org", "text": "Written on the second machine."}}
found = {{
    "logged in": owner.get("/admin/").status_code,
    "picture": reader.get(first["picture"]).status_code,
    "front page": "News" in page,
    "is rendered again": is_rendered,
    "comment": "Written on the first machine." in reader.get(first["path"]).content.decode(),
    "answer to another comment": reader.post(f"/comments/on/post/{{first['post']}}/", form).status_code,
    "its status": Comment.objects.order_by("pk").last().status,
}}
call_command("worker", once=True, verbosity=0)
job = ImportJob.objects.get()
page = owner.get(f"/admin/wordpress/importjob/{{job.pk}}/change/")
print(json.dumps(found | {{"import": job.error, "its page": page.status_code}}))
"""


def output(data: Path, code: str, **environment: str) -> str:
    data.mkdir(exist_ok=True)
    result = run(data, code, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().splitlines()[-1]


@pytest.fixture
def found(tmp_path: Path, object_storage: str, copy_database: CopyDatabase) -> Any:
    copy_database(tmp_path)
    with cache_server() as server:
        shared = {
            "SECRET_KEY": "only-for-tests",
            "DATABASE_URL": f"sqlite:///{tmp_path}/broadside.sqlite3",
            "CACHE_URL": server.url,
            "STORAGE_URL": f"s3+http://key:secret@{object_storage}/media-{uuid4().hex}",
        }
        first = output(tmp_path / "first", GET + FIRST, **shared)
        return json.loads(output(tmp_path / "second", GET + SECOND.format(first=first), **shared))


def test_changes_made_on_one_machine_are_visible_on_the_others(found: Any) -> None:
    explanation = found.pop("import")
    assert found == {
        "logged in": 200,
        "picture": 200,
        "front page": True,
        "is rendered again": False,
        "comment": True,
        "answer to another comment": 302,
        # Its author has written another comment, on the first machine.
        "its status": "pending",
        "its page": 200,
    }
    assert "don't have the same data folder" in explanation
