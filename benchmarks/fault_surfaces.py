"""What people and programs do on a site: the pages they open before a fault, and the requests they send during it."""

import io
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import faulty_site  # isort: split

import altcha
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.tasks import TaskResultStatus
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from plain_browser import Answer, Browser
from processes import PROJECT

from accounts.models import User
from blog.models import Autosave, Post
from comments import sender_links
from comments.models import Comment, CommentSettings, CommentStatus, Follower, Notification, NotificationPreference
from comments.notifications import decision_links, subscriptions
from media.models import Picture
from tests.factories import CommentFactory, PostFactory
from tests.factories.files import picture
from tests.factories.wxr import export, item
from wordpress.models import ExportJob, ImportJob

PASSWORD = "a long password for tests"  # noqa: S105  # the site isn't reachable from outside


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to do something during a fault. `send` does it, and `typed` is the text that a person wrote for it.

    `is_stored` returns whether everything that was sent has been stored. None means that nothing could get lost.
    """

    send: Callable[[], Answer]
    typed: tuple[str, ...] = ()
    is_stored: Callable[[], bool] | None = None
    is_program: bool = False


class HalfError(Exception):
    """Something was stored, but not all of it."""


def require(condition: bool, text: str) -> None:
    if not condition:
        raise HalfError(text)


# The content of the site.


def prepare_site() -> None:
    """Fill a new site: an owner, a post for readers, and one comment that everyone has read."""
    owner = User.objects.create_superuser("owner", email="owner@example.org", password=PASSWORD, is_staff=True)
    comment_settings = CommentSettings.current()
    comment_settings.comments_per_sender = comment_settings.comments_per_site = 0
    comment_settings.save()
    for number in range(3):
        PostFactory(title=f"Harbour {number}", slug=f"harbour-{number}", author=owner, tags=["lamps"])
    PostFactory(title="Locked", slug="locked", author=owner, password="lighthouse")  # noqa: S106  # as above
    # A backup to restore.
    call_command("backup", stdout=io.StringIO())
    default_storage.save("2020/01/ship.png", ContentFile(picture(colour="navy")))


def reader() -> Browser:
    return Browser(faulty_site.PORT)


def staff() -> Browser:
    """Return the browser of the owner, who has just logged in."""
    client = Client()
    client.force_login(User.objects.get(username="owner"))
    return Browser(faulty_site.PORT, {name: morsel.value for name, morsel in client.cookies.items()})


def mark() -> str:
    return f"mark{uuid.uuid4().hex[:12]}"


def written(*, by: str = "Ann") -> str:
    return f"What {by} took an evening to write, {mark()}.\n\nAnd a second paragraph <with> signs & “quotes”."


def post_path(number: int = 0) -> str:
    post: Post = Post.objects.get(slug=f"harbour-{number}")
    return post.get_absolute_url()


def pending_comment() -> Comment:
    values = {"status": CommentStatus.PENDING, "text": written(), "created_at": timezone.now()}
    pending: Comment = CommentFactory.create(entry=Post.objects.get(slug="harbour-0"), **values)
    return pending


def texts_of(value: str) -> str:
    return value.replace("\r\n", "\n").strip()


def has_comment(text: str, **filters: Any) -> bool:
    return any(
        texts_of(each) == texts_of(text) for each in Comment.objects.filter(**filters).values_list("text", flat=True)
    )


# Readers


def read(path: str, *, is_cached: bool = False, is_program: bool = False) -> Callable[[], Attempt]:
    def prepare() -> Attempt:
        target = post_path() if path == "POST" else path
        if is_cached:
            for _ in range(2):
                reader().get(target)
            return Attempt(lambda: reader().get(target), is_program=is_program)
        # As if it had just expired.
        return Attempt(lambda: reader().get(target, **{"Cache-Control": "no-store"}), is_program=is_program)

    return prepare


def comment(*, with_javascript: bool = False) -> Attempt:
    text, entry = written(), Post.objects.get(slug="harbour-0")
    fields = {"name": "Ann", "email": "ann@example.org", "website": "", "text": text}

    def send() -> Answer:
        answer = reader().get("/comments/challenge/") if with_javascript else None
        if answer and answer.status == 200:
            fields["altcha"] = _solve(json.loads(answer.body))
        return reader().post(f"/comments/on/post/{entry.pk}/", fields)

    return Attempt(send, (text, "Ann", "ann@example.org"), lambda: has_comment(text))


def _solve(challenge: Any) -> str:
    puzzle = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(puzzle)
    if solution is None:
        raise SystemExit("The puzzle has no solution.")
    return altcha.Payload(puzzle, solution).to_base64()


def change_comment() -> Attempt:
    own, text = pending_comment(), written()
    url = sender_links.edit_url(own)
    return Attempt(
        lambda: reader().post(url, {"text": text, "change": "1"}), (text,), lambda: has_comment(text, pk=own.pk)
    )


def delete_comment() -> Attempt:
    own = pending_comment()
    url = sender_links.edit_url(own)
    return Attempt(
        lambda: reader().post(url, {"delete": "1"}), (), lambda: not Comment.objects.filter(pk=own.pk).exists()
    )


def follow() -> Attempt:
    email, entry = f"{mark()}@example.org", Post.objects.get(slug="harbour-0")
    return Attempt(
        lambda: reader().post(f"/comments/follow/post/{entry.pk}/", {"email": email}),
        (email,),
        lambda: Follower.objects.filter(email=email).exists(),
    )


def unsubscribe() -> Attempt:
    entry = Post.objects.get(slug="harbour-0")
    follower = Follower.objects.create(entry=entry, email=f"{mark()}@example.org", confirmed_at=timezone.now())
    url = urlsplit(subscriptions.unsubscribe_url(follower)).path
    return Attempt(
        lambda: reader().post(url, {"everything": ""}),
        (),
        lambda: not Follower.objects.filter(pk=follower.pk).exists(),
    )


def decide_by_email() -> Attempt:
    pending, owner = pending_comment(), User.objects.get(username="owner")
    preference, _is_new = NotificationPreference.objects.get_or_create(user=owner)
    notification = Notification.objects.create(
        comment=pending, event="pending", moderator=preference, sent_at=timezone.now(), mark=pending.mark
    )
    path = urlsplit(decision_links.decision_urls(notification, owner)["approve"]).path
    sent = {"seen": pending.mark}
    return Attempt(lambda: reader().post(path, sent), (), lambda: _is_approved(pending))


def _is_approved(comment: Comment) -> bool:
    return Comment.objects.get(pk=comment.pk).status == CommentStatus.APPROVED


def unlock() -> Attempt:
    url = Post.objects.get(slug="locked").get_absolute_url()
    return Attempt(lambda: reader().post(url, {"post_password": "lighthouse"}))


# People with accounts


def log_in() -> Attempt:
    browser = reader()
    fields = browser.form("/admin/login/", "password") | {"username": "owner", "password": PASSWORD}
    return Attempt(lambda: browser.post("/admin/login/", fields), ("owner",))


def forgot_password() -> Attempt:
    browser, name = reader(), f"person-{mark()}"
    User.objects.create_user(name, email=f"{name}@example.org", is_staff=True)
    fields = browser.form("/admin/password/forgotten/", "name") | {"name": name}

    def is_sent() -> bool:
        stop = time.monotonic() + faulty_site.PATIENCE
        while time.monotonic() < stop:
            if any(f"{name}@example.org" in message for message in faulty_site.MAIL.messages):
                return True
            # The worker would try again only after some minutes.
            DBTaskResult.objects.filter(status=TaskResultStatus.READY).update(run_after=timezone.now())
            time.sleep(1)
        return False

    return Attempt(lambda: browser.post("/admin/password/forgotten/", fields), (name,), is_sent)


def open_page(path: str) -> Callable[[], Attempt]:
    def prepare() -> Attempt:
        browser = staff()
        return Attempt(lambda: browser.get(path))

    return prepare


def write_post(step: str, status: str) -> Callable[[], Attempt]:
    def prepare() -> Attempt:
        browser, title, source = staff(), f"Title {mark()}", written(by="Ruth")
        fields = browser.form("/admin/blog/post/add/", "source") | {"title": title, "source": source, "_step": step}
        return Attempt(
            lambda: browser.post("/admin/blog/post/add/", fields),
            (title, source),
            lambda: _is_complete(Post.objects.filter(title=title), source, status),
        )

    return prepare


def update_post() -> Attempt:
    browser, source = staff(), written(by="Ruth")
    post: Any = PostFactory(title=f"Old {mark()}", author=User.objects.get(username="owner"))
    path = f"/admin/blog/post/{post.pk}/change/"
    fields = browser.form(path, "source") | {"source": source, "_step": "save"}
    return Attempt(
        lambda: browser.post(path, fields),
        (source,),
        lambda: _is_complete(Post.objects.filter(pk=post.pk, source__contains="evening"), source, "published"),
    )


def _is_complete(posts: Any, source: str, status: str) -> bool:
    """Whether there is such a post, complete with its text, HTML, a revision and its document in the search index."""
    found = posts.first()
    if found is None:
        return False
    require(posts.count() == 1, "It was stored twice.")
    require(texts_of(found.source) == texts_of(source), "Its text is not what was sent.")
    require(found.status == status, f"Its status is {found.status}.")
    require("second paragraph" in found.body_html, "It was not rendered.")
    require(found.revisions.exists(), "It has no revision.")
    return True


def autosave() -> Attempt:
    browser, source, form_id = staff(), written(by="Ruth"), uuid.uuid4()
    token = browser.form("/admin/blog/post/add/", "source")["csrfmiddlewaretoken"][0]
    body = json.dumps({"fields": {"title": ["Autosaved"], "source": [source]}})
    return Attempt(
        lambda: browser.post_json(f"/admin/blog/post/add/{form_id}/autosave/", body, token),
        (),
        lambda: Autosave.objects.filter(form_id=form_id).exists(),
        is_program=True,
    )


def upload() -> Attempt:
    browser, alt = staff(), f"A ship in the harbour at night, {mark()}"
    fields = browser.form("/admin/media/picture/add/", "alt")
    fields = {name: values[0] for name, values in fields.items() if name != "file"} | {"alt": alt}
    # Too large for an upload in memory.
    content = picture(size=(1500, 1500))
    content += bytes(max(0, 2_700_000 - len(content)))

    def is_stored() -> bool:
        stored = Picture.objects.filter(alt=alt).first()
        if stored is None:
            return False
        with stored.file.open("rb") as file:
            require(file.read(4) == b"\x89PNG", "The file is not complete.")
        return True

    return Attempt(
        lambda: browser.post("/admin/media/picture/add/", fields, {"file": (f"{mark()}.png", content)}),
        (alt,),
        is_stored,
    )


def decide_in_queue() -> Attempt:
    comment, browser = pending_comment(), staff()
    fields = browser.form("/admin/comments/queue/", "comment")
    sent = {"csrfmiddlewaretoken": fields["csrfmiddlewaretoken"], "decide": f"approve {comment.pk}"}
    sent["seen"] = [f"{comment.pk}:{comment.mark}"]
    return Attempt(lambda: browser.post("/admin/comments/queue/decide/", sent), (), lambda: _is_approved(comment))


def reply_in_queue() -> Attempt:
    comment, browser, text = pending_comment(), staff(), written(by="Ruth")
    fields = browser.form("/admin/comments/queue/", "comment")
    sent = {"csrfmiddlewaretoken": fields["csrfmiddlewaretoken"], "decide": f"reply {comment.pk}"}
    sent |= {"seen": [f"{comment.pk}:{comment.mark}"], f"reply-{comment.pk}": text}
    return Attempt(lambda: browser.post("/admin/comments/queue/decide/", sent), (text,), lambda: has_comment(text))


def bulk_action() -> Attempt:
    owner, browser = User.objects.get(username="owner"), staff()
    posts: Any = PostFactory.create_batch(2, author=owner, title=f"Draft {mark()}", status="draft")
    pks = [post.pk for post in posts]
    token = browser.form("/admin/blog/post/", "action")["csrfmiddlewaretoken"]
    sent = {"csrfmiddlewaretoken": token, "action": "publish", "_selected_action": pks}

    def is_stored() -> bool:
        count = Post.objects.filter(pk__in=pks, status="published").count()
        require(count in {0, 2}, "One was published and the other not.")
        return count == 2

    return Attempt(lambda: browser.post("/admin/blog/post/", sent), (), is_stored)


def start_import() -> Attempt:
    browser = staff()
    ImportJob.objects.all().delete()
    fields = browser.form("/admin/wordpress/importjob/add/", "key")
    key = fields["key"][0]
    sent = {"csrfmiddlewaretoken": fields["csrfmiddlewaretoken"][0], "key": key}
    content = export(item(1, title="Imported")).encode()
    return Attempt(
        lambda: browser.post("/admin/wordpress/importjob/add/", sent, {"exports": ("export.xml", content)}),
        (),
        lambda: ImportJob.objects.filter(pk=key).exists(),
    )


def start_export() -> Attempt:
    browser = staff()
    ExportJob.objects.all().delete()
    path = "/admin/wordpress/exportjob/"
    fields = browser.form(path, "format")
    return Attempt(lambda: browser.post(path, fields), (), lambda: ExportJob.objects.exists())


# Commands


def command(*arguments: str, is_stored: Callable[[], bool] | None = None) -> Callable[[], Attempt]:
    def send() -> Answer:
        started = time.monotonic()
        process = subprocess.Popen(  # noqa: S603  # our own command
            [*faulty_site.AS_OTHERS, sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        faulty_site.commands.append(process)
        output, _nothing = process.communicate()
        faulty_site.commands.remove(process)
        return Answer(process.returncode, output, content_type="", seconds=time.monotonic() - started)

    return lambda: Attempt(send, is_program=True, is_stored=is_stored)


def back_up() -> Attempt:
    """Make a backup. All complete backups must be undamaged, whatever happened to this one."""

    def is_stored() -> bool:
        after = list(folder.glob("*/SHA256SUMS"))
        for sums in after:
            check = ["sha256sum", "--check", "--quiet", "--strict", sums.name]
            done = subprocess.run(check, cwd=sums.parent, check=False, capture_output=True)  # noqa: S603  # our own arguments
            require(done.returncode == 0, "A backup is damaged.")
        return len(after) > before

    folder = faulty_site.FOLDER / "backups/backups"
    before = len(list(folder.glob("*/SHA256SUMS")))
    return command("backup", is_stored=is_stored)()


SURFACES: dict[str, Callable[[], Attempt]] = {
    "front page, cached": read("/", is_cached=True),
    "front page": read("/"),
    "post": read("POST"),
    "tag": read("/tag/lamps/"),
    "search": read("/?s=harbour"),
    "feed": read("/feed/", is_program=True),
    "picture": read("/media/2020/01/ship.png", is_program=True),
    "password of a post": unlock,
    "comment": comment,
    "comment, with JavaScript": lambda: comment(with_javascript=True),
    "change own comment": change_comment,
    "delete own comment": delete_comment,
    "follow": follow,
    "unsubscribe": unsubscribe,
    "decide by e-mail": decide_by_email,
    "log in": log_in,
    "forgotten password": forgot_password,
    "dashboard": open_page("/admin/"),
    "list of posts": open_page("/admin/blog/post/"),
    "save a draft": write_post("save", "draft"),
    "publish": write_post("publish", "published"),
    "update a post": update_post,
    "autosave": autosave,
    "upload": upload,
    "moderate": decide_in_queue,
    "reply in the queue": reply_in_queue,
    "bulk action": bulk_action,
    "import": start_import,
    "export": start_export,
    "backup": back_up,
    "restore --check": command("restore", "--check"),
    "doctor": command("doctor", "--only", "database", "writing", "disk"),
    "healthz": read("/healthz", is_program=True),
    "readyz": read("/readyz", is_program=True),
}
