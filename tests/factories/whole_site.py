"""A site with every kind of public page, and with something in every list of the admin."""

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress

from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import Portrait, User
from blog import publishing
from blog.curation import merge as merge_categories
from blog.editing import autosaves
from blog.models import Category, Post, Redirect, ReviewPreference, Status
from blog.portraits import make_portrait
from blog.review import notes
from comments.models import Block, Comment
from core.models import SiteSettings
from mail.tasks import send_due_mail
from media import trash
from media.documents import store_document
from media.models import LikePictures, Picture
from media.pictures import store_picture
from operations.models import Withdrawal
from operations.withdrawals import lifecycle
from operations.withdrawals.working import work
from tags import curation, twins
from tags.models import FormerName, Tag, TagAlias
from tests.factories import (
    PASSWORD,
    CategoryFactory,
    CommentFactory,
    PageFactory,
    PostFactory,
    TagFactory,
    UserFactory,
)
from tests.factories.files import pdf_file, picture_file
from wordpress.models import ExportJob, ExportState, FragmentKind, ImportJob, JobState, ReusableBlock

BODY = """
A first paragraph with a [link](/about/), *stress* and a bare URL: https://example.org/a/rather/long/path/that/breaks

## A heading

> A quotation.

| Year | Prizes |
| ---- | ------ |
| 2019 | 4      |

1. one
2. two

A note.[^1]

[^1]: Said quietly.

<!--more-->

`code`, and the rest.
"""
PUBLIC = {
    "front": "/",
    "privacy": "/privacy/",
    "tag": "/tag/cooperation/",
    "tag, last page": "/tag/cooperation/page/2/",
    "category": "/category/awards/laureates/",
    "archive": "/archive/",
    "authors": "/authors/",
    "year": "/2019/",
    "month": "/2019/10/",
    "day": "/2019/10/22/",
    "author": "/author/writer/",
    "post with comments": "/2019/10/22/a-paper/",
    "reply": "/2019/10/22/a-paper/?replytocom=900#respond",
    "Arabic post": "/2019/10/22/arabic/",
    "post with a password": "/2019/10/22/guarded/",
    "page": "/about/",
    "not found": "/nothing/",
    "search": "/?s=paper&narrow=1",
    "search of comments": "/?s=paper&kind=comments",
    "search without results": "/?s=nothing+papre",
    "login": "/admin/login/",
}
# In the admin, besides the list and the forms of each model.
ADMIN = [
    "/admin/",
    "/admin/blog/",
    "/admin/password_change/",
    "/admin/blog/post/?state=draft&q=draft",
    "/admin/blog/post/?date=2019-10&author={owner}",
    "/admin/blog/post/?state=trash",
    "/admin/blog/post/calendar/",
    "/admin/blog/post/{post}/quick/",
    # With unsaved text to restore, and another user who is editing.
    "/admin/blog/post/{post}/change/",
    "/admin/blog/post/{post}/change/?autosave=",
    "/admin/blog/post/{post}/history/",
    "/admin/blog/post/{post}/notes/",
    "/admin/blog/post/{pending}/change/",
    "/admin/blog/post/{post}/preview-links/",
    "/admin/blog/post/{post}/translations/",
    "/admin/blog/post/{post}/revisions/",
    "/admin/blog/post/{trashed}/delete/",
    "/admin/blog/post/{imported}/change/",
    "/admin/blog/post/{imported}/convert/",
    "/admin/comments/comment/?status__exact=pending&q=words",
    "/admin/comments/queue/similar/?kind=host&text=example.org",
    "/admin/comments/queue/statistics/",
    "/admin/newsletter/issue/",
    "/admin/newsletter/issue/import/",
    "/admin/accounts/user/{owner}/link/",
    "/admin/accounts/user/{owner}/help/",
    "/admin/accounts/user/{owner}/offboard/",
    "/admin/wordpress/importjob/{job}/delete/",
    "/admin/blog/category/merge/?categories={categories}",
    "/admin/tags/tag/merge/?tags={tags}",
    "/admin/tags/tag/merge/?tags={tag}",
    "/admin/tags/tag/delete/?tags={tags}",
    "/admin/tags/tag/{tag}/rename/",
    "/admin/media/picture/?deleted=yes",
    "/admin/media/picture/duplicates/",
    "/admin/media/picture/merge/?ids={pictures}",
    # The newest withdrawal is a preview.
    "/admin/operations/withdrawal/{withdrawn}/change/",
]
# What commenters may write, and what imported comments contain.
WIDE_COMMENT = f"""<pre>{"wide " * 280}</pre><p><code>{"unbroken" * 170}</code></p>
<table><tr>{"<td>a-cell-that-is-wide</td>" * 40}</tr></table>
<p><img src="/static/icons/broadside.svg" alt="A wide image" width="1400" height="300"></p>"""


def make_blog() -> None:
    """Make a site with every kind of public page (PUBLIC)."""
    moment = timezone.make_aware(dt.datetime(2019, 10, 22, 12))
    writer = UserFactory(username="writer", bio="Writes.")
    image = make_portrait(picture_file())
    Portrait.objects.create(person=writer, name=writer.display_name, image=image, digest="0123456789abcdef")
    SiteSettings.objects.update_or_create(pk=1, defaults={"show_author": True})
    laureates = CategoryFactory(name="laureates", parent=CategoryFactory(name="awards"))
    post = PostFactory(
        title="A paper", source=BODY, author=writer, published_at=moment, tags=["cooperation"], categories=[laureates]
    )
    arabic = "كلمات أولى.\n\n<!--more-->\n\nالبقية."
    PostFactory(title="عنوان", slug="arabic", source=arabic, language="ar", author=writer, published_at=moment)
    for day in range(1, 12):
        PostFactory(tags=["cooperation"], author=writer, published_at=moment - dt.timedelta(days=day))
    CommentFactory(entry=PostFactory(title="Guarded", password="x", author=writer, published_at=moment))
    PostFactory(title="A draft", status=Status.DRAFT, author=writer)
    PostFactory(title="Trashed", status=Status.TRASH, author=writer)
    first = CommentFactory(pk=900, entry=post, website="https://example.org/")
    CommentFactory(entry=post, parent=first, user=writer)
    CommentFactory(entry=post, status="pending")
    # Stored as by an import.
    Comment.objects.filter(pk=CommentFactory(entry=post).pk).update(html=WIDE_COMMENT)
    post.comment_count = 2
    post.source += " Edited."
    publishing.save_entry(post, UserFactory(role="Editor"))
    PageFactory(title="Team", parent=PageFactory(title="Our house", slug="about", source=BODY))
    SiteSettings.objects.get_or_create(pk=1)


def make_owner() -> User:
    """Make the owner of that site, "owner", and something in every list of the admin."""
    owner = UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    TagAlias.objects.create(slug="co-operation", tag=Tag.objects.get(name="cooperation"))
    FormerName.objects.give({"working together": Tag.objects.get(name="cooperation").pk})
    curation.delete([TagFactory(name="unused").pk], owner, expected_uses=0)
    TagFactory(name="coöperation with a long name")
    TagFactory(name="cooperations")
    twins.search()
    old, new = CategoryFactory(name="news"), CategoryFactory(name="newsletter")
    CategoryFactory(name="Award")
    merge_categories([old.pk], new.pk, owner)
    entry = Comment.objects.get(pk=900).entry
    Redirect.objects.create(path="/old/", entry=entry)
    Block.objects.create(text="casino")
    record(Action.CHANGED, [entry], by=owner)
    Group.objects.create(name="Translators")
    PostFactory(title="From elsewhere", markup="html", source="<p>Some <b>bold</b> text</p>", author=owner)
    pair = [store_picture(picture_file(), by=owner) for _ in range(2)]
    LikePictures.objects.create(first=pair[0], second=pair[1], distance=1)
    trash.delete(Picture, [store_picture(picture_file(), by=owner).pk])
    store_document(pdf_file(), by=owner)
    ReusableBlock.objects.create(kind=FragmentKind.BLOCK, name="7", title="Donate", text="Words")
    post = Comment.objects.get(pk=900).entry
    autosaves.OpenForm(owner, "post", post.pk).report({"title": ["Typed"], "source": ["Typed, and left behind."]})
    autosaves.OpenForm(UserFactory(role="Editor"), "post", post.pk).report()
    ruth = UserFactory(role="Editor")
    pending = PostFactory(title="Submitted", status=Status.PENDING, author=UserFactory(role="Author"))
    note = notes.add(post, ruth, "Which year?", quote="A first paragraph with a link")
    notes.answer(note, owner, "2019.")
    for entry in (post, pending):
        notes.resolve(notes.add(entry, ruth, "A typo"), ruth)
        notes.add(entry, ruth, "Where is this from?")
    ReviewPreference.objects.of_users([owner])
    ImportJob.objects.create(state=JobState.READY, file_names=["blog.xml"], started_by=owner)
    ExportJob.objects.create(state=ExportState.EXPIRED, format="wordpress", warnings=["A note."], started_by=owner)
    # Shown on the dashboard.
    send_due_mail.enqueue()
    DBTaskResult.objects.update(status="FAILED", finished_at=timezone.now())
    withdrawn = lifecycle.start(["Nobody Known"], "[…]", owner)
    work(withdrawn, seconds=60)
    lifecycle.carry_out(withdrawn)
    work(withdrawn, seconds=60)
    work(lifecycle.start(["A paper"], "[…]", owner), seconds=60)
    return owner


def admin_paths(owner: User) -> Iterator[str]:
    """Yield the path of each page of the admin."""
    request = RequestFactory().get("/")
    request.user = owner
    for model, model_admin in site._registry.items():
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{prefix}_changelist")
        if model_admin.has_add_permission(request):
            yield reverse(f"{prefix}_add")
        # The moderation queue and the page for personal data only have a list.
        with suppress(NoReverseMatch):
            if (newest := model._default_manager.order_by("pk").last()) is not None:
                yield reverse(f"{prefix}_change", args=[newest.pk])
    post, job = Comment.objects.get(pk=900).entry, ImportJob.objects.get()
    pending = Post.objects.get(status=Status.PENDING)
    imported, trashed = Post.objects.get(markup="html"), Post.objects.get(status=Status.TRASH)
    tag, *others = Tag.objects.order_by("pk").values_list("pk", flat=True)
    tags = ",".join(map(str, [tag, *others]))
    categories = ",".join(map(str, Category.objects.order_by("-path").values_list("pk", flat=True)))
    values = {"owner": owner.pk, "post": post.pk, "job": job.pk, "imported": imported.pk, "trashed": trashed.pk}
    pictures = ",".join(map(str, Picture.objects.values_list("pk", flat=True)))
    values |= {"withdrawn": Withdrawal.objects.earliest("pk").pk}
    values |= {"pending": pending.pk, "tag": tag, "tags": tags, "categories": categories, "pictures": pictures}
    yield from (path.format(**values) for path in ADMIN)
