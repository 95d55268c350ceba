"""Loading the sample content of `demo/content`, which was written for this project, into an empty site."""

import datetime as dt
import re
import secrets
import tomllib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from blog.appearance import versions
from blog.appearance.documents import default_document
from blog.models import Category, Page, Post, SiteAppearance, Status
from blog.review import notes
from blog.review.paragraphs import split_paragraphs
from comments.models import Comment
from comments.moderation.counting import recount_all
from core.changes import entries_changed
from core.models import SiteSettings
from core.progress_callback import ProgressCallback
from demo.portraits import add_portrait
from media.documents import store_document
from media.pictures import build_picture

_CONTENT = Path(__file__).parent / "content"


def demo_password() -> str:
    """Return the password of all demo accounts: random, generated once, and stored beside the database."""
    file = Path(settings.DATA_DIR) / "demo-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(9), encoding="utf-8")
    return file.read_text(encoding="utf-8")


@transaction.atomic
def load(progress: ProgressCallback) -> None:
    """Load everything into an empty site, or nothing if it fails."""
    site = _read("site.toml")
    people = _load_people(site["users"])
    site_settings = SiteSettings.current()
    site_settings.title, site_settings.tagline, site_settings.footer = site["title"], site["tagline"], site["footer"]
    site_settings.show_author = True
    site_settings.save()
    appearance = {**default_document(), "about_author": True}
    versions.publish(appearance, by=people["owner"], seen=versions.stamp(SiteAppearance.current()))
    categories: dict[str, Category] = {}
    for row in site["categories"]:
        parent = categories.get(row.pop("parent"))
        categories[row["slug"]] = Category.objects.create(parent=parent, **row)
    urls = _load_files(people["editor"], progress)
    posts = _load_posts(people, categories, urls, progress)
    _load_pages(people["editor"], urls)
    _load_comments(posts, people, progress)
    _load_notes(posts, people)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_CONTENT / name).read_text(encoding="utf-8"))


def _read_entries(folder: str, urls: dict[str, str]) -> list[dict[str, Any]]:
    """Return the front matter and the `source` of each file, in the order of their names."""
    placeholders = "|".join(map(re.escape, urls))
    entries = []
    for file in sorted((_CONTENT / folder).glob("*.md")):
        _before, front_matter, text = file.read_text(encoding="utf-8").split("+++\n", 2)
        source = re.sub(placeholders, lambda placeholder: urls[placeholder[0]], text.strip() + "\n")
        entries.append({"language": "en", **tomllib.loads(front_matter), "source": source})
    return entries


def _load_people(rows: list[dict[str, Any]]) -> dict[str, User]:
    password = demo_password()
    people = {"owner": User.objects.create_superuser("owner", password=password, display_name="Owner")}
    for row in rows:
        role, portrait = Group.objects.get(name=row.pop("role")), row.pop("portrait")
        user = User.objects.create_user(password=password, **row)
        user.groups.add(role)
        add_portrait(user, portrait)
        people[user.username] = user
    return people


def _load_files(by: User, progress: ProgressCallback) -> dict[str, str]:
    """Store the images and documents. Return the URL of each by its placeholder in the texts."""
    urls = {}
    files = _read("files.toml")
    for row in files["documents"]:
        document = store_document(_open_file(row["name"]), title=row["title"], by=by)
        urls[f"{{{{ document:{row['name']} }}}}"] = settings.SITE_URL + document.file.url
    for done, row in enumerate(files["pictures"], start=1):
        name = row.pop("name")
        picture = build_picture(_open_file(name), by=by, **row)
        picture.save()
        urls[f"picture:{name}"] = picture.file.url
        progress(_("Images"), done, len(files["pictures"]))
    return urls


def _open_file(name: str) -> ContentFile[bytes]:
    return ContentFile((_CONTENT / "files" / name).read_bytes(), name=name)


def _load_posts(
    people: dict[str, User], categories: dict[str, Category], urls: dict[str, str], progress: ProgressCallback
) -> dict[str, Post]:
    posts = {}
    rows = _read_entries("posts", urls)
    for done, row in enumerate(rows, start=1):
        slugs, tags = row.pop("categories"), row.pop("tags")
        published_at: dt.datetime | None = None
        if "published" in row:
            published_at = timezone.make_aware(row.pop("published"))
        elif "scheduled_days" in row:
            published_at = timezone.now() + dt.timedelta(days=row.pop("scheduled_days"))
        row |= {"author": people[row["author"]], "created_at": published_at or timezone.now()}
        if "text_changed" in row:
            row["text_changed_at"] = timezone.make_aware(row.pop("text_changed"))
        post = Post.objects.create(published_at=published_at, **{"status": Status.PUBLISHED, **row})
        post.categories.set([categories[slug] for slug in slugs])
        post.tags.set(tags)
        entries_changed([post.pk])
        posts[post.slug] = post
        progress(_("Posts"), done, len(rows))
    return posts


def _load_pages(author: User, urls: dict[str, str]) -> None:
    pages: dict[str, Page] = {}
    for order, row in enumerate(_read_entries("pages", urls)):
        row |= {"author": author, "parent": pages.get(row["parent"]), "menu_order": order}
        pages[row["slug"]] = Page.objects.create(status=Status.PUBLISHED, **row)


def _load_comments(posts: dict[str, Post], people: dict[str, User], progress: ProgressCallback) -> None:
    comments: dict[str, Comment] = {}
    rows = _read("comments.toml")["comments"]
    for done, row in enumerate(rows, start=1):
        key, post = row.pop("key"), posts[row.pop("post")]
        written_at = (post.published_at or timezone.now()) + dt.timedelta(days=row.pop("days_after"))
        comments[key] = Comment.objects.create(
            entry=post,
            parent=comments.get(row.pop("parent")),
            user=people.get(row.pop("user")),
            text=row.pop("text").strip(),
            created_at=min(written_at, timezone.now()),
            **row,
        )
        progress(_("Comments"), done, len(rows))
    recount_all([post.pk for post in posts.values()])


def _load_notes(posts: dict[str, Post], people: dict[str, User]) -> None:
    for row in _read("notes.toml")["notes"]:
        post, beginning = posts[row["post"]], row["paragraph"]
        paragraphs = split_paragraphs(post.source)
        quote = next(text for text in paragraphs if text.startswith(beginning)) if beginning else ""
        note = notes.add(post, people[row["author"]], row["text"], quote)
        for answer in row["answers"]:
            notes.answer(note, people[answer["author"]], answer["text"])
