"""axe finds no problem on any kind of page, in light and dark mode, on wide and narrow screens.

No public page scrolls sideways.
"""

import datetime as dt

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from blog.models import Status
from core.models import SiteSettings
from tests.factories import PASSWORD, CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.types import Device, Faults, LogIn, OpenPage

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
    "pages": "/admin/blog/page/",
    "new page": "/admin/blog/page/add/",
    "categories": "/admin/blog/category/",
    "tags": "/admin/tags/tag/",
    "pictures": "/admin/media/picture/",
    "new picture": "/admin/media/picture/add/",
    "comments": "/admin/comments/comment/",
    "one comment": "/admin/comments/comment/900/change/",
    "what is held of a person": "/admin/comments/erasure/",
    "site settings": "/admin/core/sitesettings/1/change/",
    "people": "/admin/accounts/user/",
}


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
    post.comment_count = 2
    post.save()
    PageFactory(title="Team", parent=PageFactory(title="About", source=BODY))
    SiteSettings.objects.get_or_create(pk=1)


def test_public_pages(open_page: OpenPage, blog: None, device: Device, faults: Faults) -> None:
    page = open_page("/", **device)
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


def test_admin(open_page: OpenPage, log_in: LogIn, blog: None, device: Device) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    page = log_in("owner", **device)
    found = {}
    for name, path in ADMIN.items():
        page.goto(path)
        results = Axe().run(page)
        found[name] = results.generate_report() if results.violations_count else ""
    assert found == dict.fromkeys(found, "")
