"""axe and our own rules find no problem on any kind of page, public or in the admin.

Light and dark, on wide and narrow screens, in forced colours and right to left.
"""

import datetime as dt

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.utils import timezone

from blog.models import Redirect, Status
from comments.models import Block, Comment
from core.models import SiteSettings
from media.documents import store_document
from media.pictures import store_picture
from tags.models import Tag, TagAlias
from tests.factories import PASSWORD, CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.files import pdf_file, picture_file
from tests.factories.types import Device, Faults, LogIn, OpenPage
from wordpress.models import ImportJob, JobState

pytestmark = pytest.mark.django_db(transaction=True)

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
    "tag": "/tag/cooperation/",
    "tag, last page": "/tag/cooperation/page/2/",
    "category": "/category/awards/laureates/",
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
}
ADMIN = {
    "index": "/admin/",
    "posts": "/admin/blog/post/",
    "new post": "/admin/blog/post/add/",
    "post": "/admin/blog/post/{post}/change/",
    "history of a post": "/admin/blog/post/{post}/history/",
    "deletion of a post": "/admin/blog/post/{post}/delete/",
    "pages": "/admin/blog/page/",
    "new page": "/admin/blog/page/add/",
    "categories": "/admin/blog/category/",
    "category": "/admin/blog/category/add/",
    "redirects": "/admin/blog/redirect/",
    "redirect": "/admin/blog/redirect/add/",
    "tags": "/admin/tags/tag/?q=cooperation",
    "tag with an alias": "/admin/tags/tag/{tag}/change/",
    "pictures": "/admin/media/picture/",
    "picture": "/admin/media/picture/{picture}/change/",
    "new picture": "/admin/media/picture/add/",
    "documents": "/admin/media/document/",
    "document": "/admin/media/document/{document}/change/",
    "comments": "/admin/comments/comment/",
    "filtered comments": "/admin/comments/comment/?status__exact=pending&q=comment",
    "one comment": "/admin/comments/comment/900/change/",
    "decisions": "/admin/comments/decision/",
    "queue": "/admin/comments/queue/",
    "similar comments": "/admin/comments/queue/similar/?host=example.org",
    "statistics": "/admin/comments/queue/statistics/",
    "what is held of a person": "/admin/comments/erasure/",
    "settings of comments": "/admin/comments/commentsettings/1/change/",
    "blocklist": "/admin/comments/block/",
    "block": "/admin/comments/block/add/",
    "notifications": "/admin/comments/notificationpreference/",
    "site settings": "/admin/core/sitesettings/1/change/",
    "people": "/admin/accounts/user/",
    "new person": "/admin/accounts/user/add/",
    "person": "/admin/accounts/user/{person}/change/",
    "password": "/admin/accounts/user/{person}/password/",
    "groups": "/admin/auth/group/",
    "group": "/admin/auth/group/{group}/change/",
    "imports": "/admin/wordpress/importjob/",
    "new import": "/admin/wordpress/importjob/add/",
    "import": "/admin/wordpress/importjob/{job}/change/",
    "deletion of an import": "/admin/wordpress/importjob/{job}/delete/",
    "reusable blocks": "/admin/wordpress/reusableblock/",
}
# What commenters may write, and what imported comments contain.
WIDE_COMMENT = f"""<pre>{"wide " * 280}</pre><p><code>{"unbroken" * 170}</code></p>
<table><tr>{"<td>a-cell-that-is-wide</td>" * 40}</tr></table>
<p><img src="/static/icons/broadside.svg" alt="A wide image" width="1400" height="300"></p>"""


@pytest.fixture
def blog() -> None:
    moment = timezone.make_aware(dt.datetime(2019, 10, 22, 12))
    writer = UserFactory(username="writer")
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
    first = CommentFactory(pk=900, entry=post, website="https://example.org/")
    CommentFactory(entry=post, parent=first, user=writer)
    CommentFactory(entry=post, status="pending")
    # As an import stores it.
    Comment.objects.filter(pk=CommentFactory(entry=post).pk).update(html=WIDE_COMMENT)
    post.comment_count = 2
    post.save()
    PageFactory(title="Team", parent=PageFactory(title="About", source=BODY))
    SiteSettings.objects.get_or_create(pk=1)


@pytest.fixture
def paths(blog: None) -> dict[str, str]:
    """The names and paths of pages in the admin, each of which has something to show."""
    owner = UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    tag = Tag.objects.get(name="cooperation")
    TagAlias.objects.create(slug="co-operation", tag=tag)
    entry = Comment.objects.get(pk=900).entry
    Redirect.objects.create(path="/old/", entry=entry)
    Block.objects.create(text="casino")
    LogEntry.objects.log_actions(owner.pk, [entry], CHANGE, single_object=True)
    keys = {
        "post": entry.pk,
        "tag": tag.pk,
        "picture": store_picture(picture_file(), by=owner).pk,
        "document": store_document(pdf_file(), by=owner).pk,
        "person": owner.pk,
        "group": Group.objects.create(name="Translators").pk,
        "job": ImportJob.objects.create(state=JobState.READY, file_names=["blog.xml"], started_by=owner).pk,
    }
    return {name: path.format(**keys) for name, path in ADMIN.items()}


def test_public_pages(open_page: OpenPage, blog: None, mode: Device, faults: Faults) -> None:
    page = open_page("/", **mode)
    found = {}
    for name, path in PUBLIC.items():
        page.goto(path)
        found[name] = faults(page)
    page.goto(PUBLIC["post with comments"])
    page.eval_on_selector("#respond form", "form => { form.noValidate = true; form.submit(); }")
    page.wait_for_selector(".errorlist")
    found["form with faults"] = faults(page)
    page.goto(PUBLIC["post with a password"])
    page.get_by_label("Password:").fill("wrong")
    page.get_by_role("button", name="Enter").click()
    page.get_by_text("Invalid password.").wait_for()
    found["wrong password"] = faults(page)
    page.get_by_label("Password:").fill("x")
    page.get_by_role("button", name="Enter").click()
    page.get_by_role("button", name="Reply to").click()
    page.get_by_role("button", name="Cancel reply").wait_for()
    found["reply on an unlocked post"] = faults(page)
    assert found == dict.fromkeys(found, "")


def test_admin(log_in: LogIn, paths: dict[str, str], mode: Device, faults: Faults) -> None:
    page = log_in("owner", **mode)
    found = {}
    for name, path in paths.items():
        answer = page.goto(path)
        assert answer is not None
        found[name] = faults(page) if answer.ok else f"{path}: {answer.status}"
    page.goto(paths["category"])
    page.eval_on_selector("#category_form", "form => { form.noValidate = true; form.submit(); }")
    page.wait_for_selector(".errornote")
    found["category with faults"] = faults(page)
    assert found == dict.fromkeys(found, "")
