"""A day on a site: readers, commenters, log-ins, errors, imports. Whatever must not stay on the disk is marked.

`seizure.py` starts this, reads from its standard output what was planted, and kills it with everything else.
"""

import re
import socket
import sys
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import scratch_site  # isort: split

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from plain_browser import Answer, Browser

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from accounts.offboarding import offboard
from accounts.sessions import stored_key
from blog import publishing
from blog.editing.autosaves import OpenForm
from blog.models import Category, Page, Post, Revision, Status
from comments import personal_data
from comments.models import Comment, Follower
from comments.moderation import decisions, deletion, submission
from core.models import SiteSettings
from media import trash
from media.models import Document, Picture
from media.pictures import store_picture
from operations.withdrawals import lifecycle
from operations.withdrawals.working import work as withdraw
from operations.worker.running import Worker
from tests.factories.files import picture
from tests.factories.marked_files import KINDS, MarkedFile
from tests.factories.traces import Traces
from tests.factories.wxr import comment as wxr_comment
from tests.factories.wxr import export, item
from wordpress.downloads import jobs as downloads
from wordpress.models import ImportJob, JobStep
from wordpress.uploads import tasks as uploads

PASSWORD = "the password of the site's owner"  # noqa: S105  # it is planted below
FOREVER = float("inf")
# The days after which planted texts must be gone: deleted ones by the next night, others as the settings say.
NIGHT, EXPORTED, FOLLOWED, WITHDRAWN, KEPT_SPAM, TRASHED, AUDITED = 1, 4, 8, 15, 31, 31, 366


class Visitor(Browser):
    """A browser that sends requests to nginx, from its own IP address and with headers that name another."""

    def __init__(self, port: int, traces: Traces, kind: str, number: int) -> None:
        address = traces.add(f"address of {kind}", 0, f"127.83.{number}.{number + 57}")
        forwarded = traces.add(f"X-Forwarded-For of {kind}", 0, f"203.0.113.{number + 30}")
        network = traces.add(f"IPv6 address of {kind}", 0, f"2001:db8:{number:x}:88:99::{number + 7:x}")
        headers = {
            "Host": "localhost",
            "User-Agent": f"Mozilla/5.0 ({traces.word(f'browser of {kind}', 0)}) Gecko",
            "Referer": f"https://elsewhere.example/{traces.word(f'referrer of {kind}', 0)}",
            "X-Forwarded-For": f"{network}, [{network.upper()}]:443, ::ffff:{forwarded}",
            "Forwarded": f'for="[{network}]";by={forwarded}',
            "X-Real-IP": forwarded,
            "Accept-Language": traces.word(f"language of {kind}", 0),
            "Accept-Encoding": "br, gzip",
        }
        super().__init__(port, headers=headers, address=address)

    def token(self, path: str) -> str:
        """Return the CSRF token of the page at `path`, which is sent uncompressed."""
        page = self.get(path, **{"Accept-Encoding": ""}).body
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        return token[1] if token else ""

    def submit(self, path: str, form: Mapping[str, Any]) -> Answer:
        """Fill in the form on a page, and submit it."""
        return self.post(path, {"csrfmiddlewaretoken": self.token(path), **form})

    def begin_upload(self, path: str, content: bytes) -> socket.socket:
        """Send a file whose second half never arrives."""
        headers = self.headers | {
            "X-CSRFToken": self.token("/admin/"),
            "Cookie": self.cookie,
            "Content-Type": "multipart/form-data; boundary=limit",
            "Content-Length": str(2 * len(content)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        begun = socket.create_connection(("127.0.0.1", self.port), 60, (self.address, 0))
        begun.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n--limit\r\n".encode())
        begun.sendall(b'Content-Disposition: form-data; name="exports"; filename="a.xml"\r\n\r\n' + content)
        return begun

    def shout(self, text: bytes) -> None:
        """Send bytes that are not a valid request."""
        with socket.create_connection(("127.0.0.1", self.port), 20, (self.address, 0)) as sent:
            sent.sendall(text)
            sent.settimeout(5)
            try:
                sent.recv(4096)
            except OSError:
                return


class Day:
    """The events of the day. Each plants texts of which it must leave no trace."""

    def __init__(self, port: int) -> None:
        self.port, self.traces = port, Traces()
        self.owner = User.objects.create_superuser("owner", "owner@example.org", PASSWORD, display_name="Owner")
        self.owner.groups.add(*Group.objects.filter(name="Owner"))
        self.author = User.objects.create_user("writer", display_name="Writer")
        self.traces.add("password", 0, PASSWORD)
        self._browsers = 0
        self._begun: list[socket.socket] = []
        self.post = self.write("post", None)

    def browser(self, kind: str) -> Visitor:
        self._browsers += 1
        return Visitor(self.port, self.traces, kind, self._browsers)

    def write(self, kind: str, days: int | None, title_days: int | None = None, **values: Any) -> Post:
        """Publish a post whose title and text are planted."""
        title = self.traces.word(f"title of {kind}", days if title_days is None else title_days)
        text = self.traces.word(f"text of {kind}", days)
        post = Post(title=f"On {title}", source=self._words(text), status=Status.PUBLISHED, author=self.author)
        post.published_at = timezone.now()
        for name, value in values.items():
            setattr(post, name, value)
        publishing.save_entry(post, self.owner, tags=[self.traces.word(f"tag of {kind}", None)])
        return post

    def comment(self, kind: str, days: int | None, *, entry: Post | None = None, **values: Any) -> Comment:
        """Comment through the form, and return the stored comment."""
        word = self.traces.word(f"comment that {kind}", days)
        address = f"{self.traces.word(f'e-mail address of who {kind}', days)}@example.org"
        form = {"name": f"Reader {word}", "email": address, "text": self._words(word), **values}
        post = entry or self.post
        answer = self.browser(f"who {kind}").post(f"/comments/on/post/{post.pk}/", form)
        if answer.status != 302:
            raise SystemExit(f"The comment that {kind} was answered {answer.status}: {answer.body[:500]}")
        return Comment.objects.get(text__contains=word)

    @staticmethod
    def _words(word: str) -> str:
        # Long enough to be stored apart from its row, and compressed.
        return f"{word} begins. " + " ".join(f"Line {n} of a text about {word}.\n\n" for n in range(90))

    # Readers

    def read(self) -> None:
        reader = self.browser("a reader")
        url = self.post.get_absolute_url()
        for path in ("/", url, "/feed/", "/comments/feed/", "/sitemap.xml", "/dictionary.txt", "/privacy/"):
            for _again in range(3):
                reader.get(path)
        for path in ("/?s={}", "/?s=x&utm_source={}", f"{url}?fbclid={{}}", "/search/suggestions.json?q={}", "/?p={}"):
            reader.get(path.format(self.traces.word(f"query of {path.partition('?')[2]}", 0)))
        locked = Post(title="Locked", source="x", author=self.author, status=Status.PUBLISHED)
        locked.password = uuid.uuid4().hex
        locked.save()
        guess = self.traces.word("guess at the password of a post", 0)
        reader.post(locked.get_absolute_url(), {"post_password": guess})

    def send_nonsense(self) -> None:
        def word(kind: str) -> bytes:
            return self.traces.word(kind, 0).encode()

        stranger = self.browser("an attacker")
        line = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: "
        for text in (
            word("no request at all") * 10,
            line + word("browser of a broken request") + b"\r\nX: \x00\r\n\r\n",
            line + word("browser of a huge request") * 3000 + b"\r\n\r\n",
            b"GET /?s=" + word("query with a bad host") + b" HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            b"GET /%ff%00?s=" + word("query with bad bytes") + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /comments/on/post/1/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\ntext="
            + word("half of a comment"),
        ):
            stranger.shout(text)
        refused = {"name": "x", "email": "no address", "text": self.traces.word("comment that was refused", 0)}
        stranger.post(f"/comments/on/post/{self.post.pk}/", refused)
        large = {"name": "x", "email": "a@example.org", "text": self.traces.word("comment that was too long", 0) * 9999}
        stranger.post(f"/comments/on/post/{self.post.pk}/", large)
        elsewhere = {"text": self.traces.word("comment from elsewhere", 0)}
        stranger.post(f"/comments/on/post/{self.post.pk}/", elsewhere, None, **{"Sec-Fetch-Site": "cross-site"})

    def fail(self) -> None:
        """Cause errors that contain what was sent."""
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE comments_comment RENAME TO comments_away")
        try:
            text = self.traces.word("comment that raised an error", 0)
            form = {"name": text, "email": f"{text}@example.org", "text": text}
            victim = self.browser("who saw an error")
            victim.post(f"/comments/on/post/{self.post.pk}/", form)
            victim.get(self.post.get_absolute_url() + "?s=" + self.traces.word("query that raised an error", 0))
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE comments_away RENAME TO comments_comment")

    def log_in(self) -> None:
        person, login = self.browser("the owner"), "/admin/login/"
        for kind in ("known", "unknown"):
            name = "owner" if kind == "known" else self.traces.word("name of no account", 0)
            person.submit(login, {"username": name, "password": self.traces.word(f"wrong password, {kind} name", 0)})
        unknown = f"{self.traces.word('address of no account', 0)}@example.org"
        person.submit("/admin/password/forgotten/", {"email": unknown})
        answer = person.submit(login, {"username": "owner", "password": PASSWORD})
        if answer.status != 302:
            raise SystemExit(f"Logging in was answered {answer.status}: {answer.body[:2000]}")
        key = self.traces.add("key of a session", 0, person.cookies["sessionid"])
        self.traces.add("session that has ended", NIGHT, stored_key(key))
        self.upload(person)
        person.post("/admin/logout/", {"csrfmiddlewaretoken": person.token("/admin/")})

    def upload(self, person: Visitor) -> None:
        """Upload files with names and places in their metadata."""
        for number, (kind, make) in enumerate(KINDS.items(), start=100):
            a, b, c, d = (self.traces.add(f"metadata of {kind}", 0, f"PLANTED{number}{n}") for n in range(4))
            file = MarkedFile(kind, f"file-{kind}.{kind}", make((a, b, c, d)), frozenset({a, b, c, d}))
            form = {"csrfmiddlewaretoken": person.token("/admin/media/picture/")}
            files = {"files": (file.name, file.content)}
            answer = person.post("/admin/media/upload/", form, files, Accept="application/json")
            if answer.status != 200:
                raise SystemExit(f"Uploading a file of the kind {kind} was answered {answer.status}.")

    # Moderators, editors and owners

    def moderate(self) -> None:
        self.comment("stays", None)
        self.comment("is spam", KEPT_SPAM, subject="x")
        trashed = self.comment("goes into the trash", TRASHED)
        deleted = self.comment("is deleted", NIGHT)
        own = self.comment("its author deletes", NIGHT)
        erased = self.comment("is erased", NIGHT)
        kept = self.comment("loses its author", None)
        self.traces.planted = [trace for trace in self.traces.planted if trace.text != kept.email.partition("@")[0]]
        self.traces.add("e-mail address that is erased", NIGHT, kept.email)
        decisions.trash([trashed], by=self.owner)
        # Readers have opened them, and the search has indexed them.
        self.browser("who reads what will be deleted").get(self.post.get_absolute_url())
        # The filter learns from it, and decisions about it are recorded.
        decisions.mark_spam([deleted], by=self.owner)
        decisions.approve([deleted], by=self.owner)
        deletion.delete([deleted])
        submission.delete_own(own)
        personal_data.erase(erased.email, keep_text=False, by=None)
        personal_data.erase(kept.email, keep_text=True, by=None)
        follower = f"{self.traces.word('address that nobody confirmed', FOLLOWED)}@example.org"
        Follower.objects.create(email=follower, entry=self.post)

    def edit(self) -> None:
        reader = self.browser("who reads what will be changed")
        deleted = self.write("a post that is deleted", NIGHT, AUDITED)
        changed = self.write("a post of which one revision is kept", None)
        # The first text and title are in revisions, and later nowhere.
        first = self.traces.word("text of a deleted revision", NIGHT)
        changed.source = self._words(first)
        publishing.save_entry(changed, self.owner)
        for post in (deleted, changed):
            self.comment(f"is on post {post.pk}", NIGHT if post is deleted else None, entry=post)
            for _again in range(3):
                reader.get(post.get_absolute_url())
                reader.get("/")
        changed.source = "The text that stays."
        publishing.save_entry(changed, self.owner)
        Revision.objects.filter(entry=changed, source__contains=first).delete()
        exported = self.write("a post that was exported and deleted", EXPORTED, AUDITED)
        downloads.start("wordpress", self.owner)
        self.work()
        publishing.trash(Post.objects.filter(pk=deleted.pk), self.owner)
        # Like the admin.
        record(Action.DELETED, [deleted, exported], by=self.owner)
        for post in (deleted, exported):
            Post.objects.get(pk=post.pk).delete()
        typed = self.traces.word("text that was typed and discarded", NIGHT)
        form = OpenForm(self.owner, changed.kind, changed.pk)
        form.report({"source": [self._words(typed)]})
        form.discard()
        draft = Page.objects.create(
            title="Draft", source=self._words(self.traces.word("text of a deleted draft", NIGHT)), author=self.owner
        )
        draft.delete()
        category = Category.objects.create(name=self.traces.word("name of a deleted category", NIGHT))
        category.delete()
        old = SiteSettings.current()
        old.footer = self.traces.word("former footer", NIGHT)
        old.save()
        reader.get("/")
        old.footer = ""
        old.save()

    def import_blog(self) -> None:
        """Import an export with e-mail addresses of commenters, and undo another import."""
        address = self.traces.add("address in an export", 0, "198.51.100.201")
        agent = self.traces.word("browser in an export", 0)
        text = export(
            item(
                900,
                title="Imported",
                content=self.traces.word("imported text", None),
                inside=[wxr_comment(1, author_IP=address, agent=agent)],
            )
        )
        self._run_import(text)
        job = self._run_import(
            export(item(901, title="Undone", content=self._words(self.traces.word("undone import", NIGHT))))
        )
        uploads.start_step(job, JobStep.UNDO, self.owner, {})
        self.work()

    def _run_import(self, text: str) -> ImportJob:
        upload = SimpleUploadedFile(f"{self.traces.word('name of an export', None)}.xml", text.encode())
        job, _is_new = uploads.create_job(uuid.uuid4(), [upload], self.owner)
        self.work()
        job.refresh_from_db()
        uploads.start_step(job, JobStep.IMPORT, self.owner, {})
        self.work()
        job.refresh_from_db()
        return job

    def part(self) -> None:
        """Erase an account, withdraw a name, delete an image."""
        person = User.objects.create_user(
            self.traces.word("username of an erased account", NIGHT),
            f"{self.traces.word('address of an erased account', NIGHT)}@example.org",
            display_name=self.traces.word("name of an erased account", NIGHT),
        )
        offboard(person, heir=None, erase=True, by=self.owner)
        name = self.traces.word("withdrawn name", NIGHT).capitalize()
        self.write("a post with a withdrawn name", None, excerpt=f"By {name} Smith.")
        self.comment("is by a withdrawn name", None, name=f"{name} Smith")
        self.browser("who reads a name").get("/")
        withdrawal = lifecycle.start([f"{name} Smith"], "[name withdrawn]", self.owner)
        withdraw(withdrawal, FOREVER)
        lifecycle.carry_out(withdrawal)
        withdraw(withdrawal, FOREVER)
        title = self.traces.word("title of a deleted image", AUDITED)
        alt = self.traces.word("description of a deleted image", TRASHED)
        image = store_picture(SimpleUploadedFile("x.png", picture(size=(700, 40))), by=self.owner, title=title, alt=alt)
        trash.delete(Picture, [image.pk])

    def begin_uploads(self) -> None:
        """Begin uploads that are still going on when the server is seized."""
        person = self.browser("who is uploading")
        person.submit("/admin/login/", {"username": "owner", "password": PASSWORD})
        for path in ("/admin/media/upload/", "/admin/wordpress/importjob/add/"):
            line = f"{self.traces.word(f'half of an upload to {path}', 0)}\n".encode()
            self._begun.append(person.begin_upload(path, line * 200_000))

    def work(self) -> None:
        Worker(name="day").drain()

    def back_up(self) -> None:
        call_command("backup")


def main() -> None:
    port = int(sys.argv[1])
    # Only planted texts go to standard output. Commands print elsewhere.
    planted, sys.stdout = sys.stdout, sys.stderr
    scratch_site.allow_comments()
    day = Day(port)
    steps: list[Callable[[], None]] = [
        *(day.read, day.moderate, day.edit, day.send_nonsense, day.fail, day.log_in, day.import_blog, day.part),
        *(day.read, day.back_up, day.begin_uploads),
    ]
    for step in steps:
        step()
    assert Document.objects.exists()  # the uploads succeeded
    print(day.traces.to_json(), file=planted, flush=True)
    # The connection stays open until the server is seized.
    sys.stdin.read()


if __name__ == "__main__":
    main()
