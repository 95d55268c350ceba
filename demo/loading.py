"""Fills an empty site with the sample content in `demo/content`, all of it our own."""

import datetime as dt
import io
import re
import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from blog.models import Category, Page, Post, SiteSettings, Status
from comments.counting import recount_all
from comments.models import Comment
from demo.documents import document
from demo.drawing import draw
from library.documents import store_document
from library.models import Document, Picture
from library.pictures import store_picture

CONTENT = Path(__file__).parent / "content"
PICTURE_SIZE = (1200, 750)

type Progress = Callable[[str, int, int], None]


class SiteNotEmpty(RuntimeError):  # noqa: N818  # named for what is the case
    """The site holds posts that are not the demo's: sample content would mix with real work."""


def is_loaded() -> bool:
    return User.objects.filter(username="editor").exists() and Post.objects.exists()


def demo_password() -> str:
    """The password of all demo accounts, made at random once for this site and kept beside its database."""
    file = Path(settings.DATA_DIR) / "demo-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(9), encoding="utf-8")
    return file.read_text(encoding="utf-8")


@transaction.atomic
def load(progress: Progress) -> None:
    """Load everything, or nothing if it fails. `progress` is told what is loaded, how many are done and of how many.

    Raises SiteNotEmpty.
    """
    if Post.objects.exists():
        raise SiteNotEmpty(_("This site has posts already. Choose an empty folder with BROADSIDE_DATA=…"))
    site = _read("site.toml")
    people = _load_people(site["users"])
    row = SiteSettings.current()
    row.title, row.tagline, row.footer = site["title"], site["tagline"], site["footer"]
    row.save()
    categories: dict[str, Category] = {}
    for entry in site["categories"]:
        parent = categories.get(entry.pop("parent"))
        categories[entry["slug"]] = Category.objects.create(parent=parent, **entry)
    addresses = _load_pictures(people["editor"], progress) | _load_documents(people["editor"])
    posts = _load_posts(people, categories, addresses, progress)
    _load_pages(people["editor"], addresses)
    _load_comments(posts, people, progress)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((CONTENT / name).read_text(encoding="utf-8"))


def _read_texts(folder: str) -> list[tuple[dict[str, Any], str]]:
    """Each file's front matter and text, in the order of their names."""
    texts = []
    for file in sorted((CONTENT / folder).glob("*.md")):
        _before, front_matter, text = file.read_text(encoding="utf-8").split("+++\n", 2)
        texts.append((tomllib.loads(front_matter), text.strip() + "\n"))
    return texts


def _load_people(entries: list[dict[str, Any]]) -> dict[str, User]:
    password = demo_password()
    people = {"owner": User.objects.create_superuser("owner", password=password, display_name="Owner")}
    for entry in entries:
        user = User.objects.create_user(
            entry["login"],
            password=password,
            is_staff=True,
            display_name=entry["display_name"],
            slug=entry["slug"],
            bio=entry["bio"],
        )
        user.groups.add(Group.objects.get(name=entry["role"]))
        people[entry["login"]] = user
    return people


def _load_pictures(by: User, progress: Progress) -> dict[str, str]:
    """Draw the pictures; returns what stands for each in the texts and the address it has now."""
    addresses = {}
    entries = _read("pictures.toml")["pictures"]
    for done, entry in enumerate(entries, start=1):
        drawn = io.BytesIO()
        draw(entry["kind"], entry["seed"], PICTURE_SIZE).save(drawn, "PNG")
        upload = ContentFile(drawn.getvalue(), name=entry["name"])
        picture = store_picture(upload, title=entry["title"], alt=entry["alt"], by=by)
        Picture.objects.filter(pk=picture.pk).update(caption=entry["caption"])
        addresses[f"picture:{entry['name']}"] = picture.file.url
        progress(_("Pictures"), done, len(entries))
    return addresses


def _load_documents(by: User) -> dict[str, str]:
    addresses = {}
    for entry in _read("documents.toml")["documents"]:
        upload = ContentFile(document(entry["title"], entry["lines"]), name=entry["name"])
        stored: Document = store_document(upload, title=entry["title"], by=by)
        addresses[f"{{{{ document:{entry['name']} }}}}"] = settings.SITE_URL + stored.file.url
    return addresses


def _with_addresses(text: str, addresses: dict[str, str]) -> str:
    return re.sub("|".join(map(re.escape, addresses)), lambda found: addresses[found[0]], text)


def _load_posts(
    people: dict[str, User], categories: dict[str, Category], addresses: dict[str, str], progress: Progress
) -> dict[str, Post]:
    posts = {}
    texts = _read_texts("posts")
    for done, (front, text) in enumerate(texts, start=1):
        moment: dt.datetime | None = None
        if "published" in front:
            moment = timezone.make_aware(front["published"])
        elif "scheduled_days" in front:
            moment = timezone.now() + dt.timedelta(days=front["scheduled_days"])
        post = Post.objects.create(
            title=front["title"],
            slug=front["slug"],
            author=people[front["author"]],
            status=front.get("status", Status.PUBLISHED),
            published_at=moment,
            created_at=moment or timezone.now(),
            source=_with_addresses(text, addresses),
            excerpt=front.get("excerpt", ""),
            language=front.get("language", ""),
            sticky=front.get("sticky", False),
            comments_open=front.get("comments_open", True),
        )
        post.categories.set([categories[slug] for slug in front["categories"]])
        post.tags.set(front["tags"])
        posts[post.slug] = post
        progress(_("Posts"), done, len(texts))
    return posts


def _load_pages(author: User, addresses: dict[str, str]) -> None:
    pages: dict[str, Page] = {}
    for order, (front, text) in enumerate(_read_texts("pages")):
        pages[front["slug"]] = Page.objects.create(
            title=front["title"],
            slug=front["slug"],
            parent=pages.get(front["parent"]),
            author=author,
            status=Status.PUBLISHED,
            source=_with_addresses(text, addresses),
            comments_open=front["comments_open"],
            menu_order=order,
        )


def _load_comments(posts: dict[str, Post], people: dict[str, User], progress: Progress) -> None:
    comments: dict[str, Comment] = {}
    entries = _read("comments.toml")["comments"]
    for done, entry in enumerate(entries, start=1):
        post = posts[entry["post"]]
        written = (post.published_at or timezone.now()) + dt.timedelta(days=entry["days_after"])
        comments[entry["key"]] = Comment.objects.create(
            post=post,
            parent=comments.get(entry["parent"]),
            user=people.get(entry["user"]),
            name=entry["name"],
            email=entry["email"],
            website=entry["website"],
            text=entry["text"].strip(),
            status=entry["status"],
            created_at=min(written, timezone.now()),
        )
        progress(_("Comments"), done, len(entries))
    recount_all(Post, [post.pk for post in posts.values()])
