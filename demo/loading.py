"""Fills an empty site with the sample content in `demo/content`, which was written for this project."""

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
from blog.models import Category, Page, Post, Status
from comments.models import Comment
from comments.moderation.counting import recount_all
from core.models import SiteSettings
from demo.documents import make_pdf
from demo.drawing import draw
from media.documents import store_document
from media.models import Document, Picture
from media.pictures import store_picture

_CONTENT = Path(__file__).parent / "content"
_PICTURE_SIZE = (1200, 750)  # in pixels

# Called with the label of what is being loaded, the number that is done, and the total.
type Progress = Callable[[str, int, int], None]


class SiteNotEmptyError(RuntimeError):
    """The site has posts of its own, with which the sample content would get mixed up."""


def is_loaded() -> bool:
    return User.objects.filter(username="editor").exists() and Post.objects.exists()


def demo_password() -> str:
    """Return the password of all demo accounts: random, generated once, and stored beside the database."""
    file = Path(settings.DATA_DIR) / "demo-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(9), encoding="utf-8")
    return file.read_text(encoding="utf-8")


@transaction.atomic
def load(progress: Progress) -> None:
    """Load everything, or nothing if it fails. Raises SiteNotEmptyError."""
    if Post.objects.exists():
        raise SiteNotEmptyError(_("This site already has posts. Choose an empty folder with BROADSIDE_DATA=…"))
    site = _read("site.toml")
    people = _load_people(site["users"])
    row = SiteSettings.current()
    row.title, row.tagline, row.footer = site["title"], site["tagline"], site["footer"]
    row.save()
    categories: dict[str, Category] = {}
    for entry in site["categories"]:
        parent = categories.get(entry.pop("parent"))
        categories[entry["slug"]] = Category.objects.create(parent=parent, **entry)
    urls = _load_pictures(people["editor"], progress) | _load_documents(people["editor"])
    posts = _load_posts(people, categories, urls, progress)
    _load_pages(people["editor"], urls)
    _load_comments(posts, people, progress)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_CONTENT / name).read_text(encoding="utf-8"))


def _read_texts(folder: str) -> list[tuple[dict[str, Any], str]]:
    """Return the front matter and the text of each file, in the order of their names."""
    texts = []
    for file in sorted((_CONTENT / folder).glob("*.md")):
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
    """Draw the pictures. Return the URL of each by its placeholder in the texts."""
    urls = {}
    entries = _read("pictures.toml")["pictures"]
    for done, entry in enumerate(entries, start=1):
        drawn = io.BytesIO()
        draw(entry["kind"], entry["seed"], _PICTURE_SIZE).save(drawn, "PNG")
        upload = ContentFile(drawn.getvalue(), name=entry["name"])
        picture = store_picture(upload, title=entry["title"], alt=entry["alt"], by=by)
        Picture.objects.filter(pk=picture.pk).update(caption=entry["caption"])
        urls[f"picture:{entry['name']}"] = picture.file.url
        progress(_("Images"), done, len(entries))
    return urls


def _load_documents(by: User) -> dict[str, str]:
    urls = {}
    for entry in _read("documents.toml")["documents"]:
        upload = ContentFile(make_pdf(entry["title"], entry["lines"]), name=entry["name"])
        stored: Document = store_document(upload, title=entry["title"], by=by)
        urls[f"{{{{ document:{entry['name']} }}}}"] = settings.SITE_URL + stored.file.url
    return urls


def _with_urls(text: str, urls: dict[str, str]) -> str:
    return re.sub("|".join(map(re.escape, urls)), lambda placeholder: urls[placeholder[0]], text)


def _load_posts(
    people: dict[str, User], categories: dict[str, Category], urls: dict[str, str], progress: Progress
) -> dict[str, Post]:
    posts = {}
    texts = _read_texts("posts")
    for done, (front, text) in enumerate(texts, start=1):
        published_at: dt.datetime | None = None
        if "published" in front:
            published_at = timezone.make_aware(front["published"])
        elif "scheduled_days" in front:
            published_at = timezone.now() + dt.timedelta(days=front["scheduled_days"])
        post = Post.objects.create(
            title=front["title"],
            slug=front["slug"],
            author=people[front["author"]],
            status=front.get("status", Status.PUBLISHED),
            published_at=published_at,
            created_at=published_at or timezone.now(),
            source=_with_urls(text, urls),
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


def _load_pages(author: User, urls: dict[str, str]) -> None:
    pages: dict[str, Page] = {}
    for order, (front, text) in enumerate(_read_texts("pages")):
        pages[front["slug"]] = Page.objects.create(
            title=front["title"],
            slug=front["slug"],
            parent=pages.get(front["parent"]),
            author=author,
            status=Status.PUBLISHED,
            source=_with_urls(text, urls),
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
            entry=post,
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
    recount_all([post.pk for post in posts.values()])
