"""axe and our own rules find no problem on any kind of page, public or in the admin.

Pages are checked in light and dark, on wide and narrow screens, in forced colours, and from right to left.
"""

import pytest
from pytest_django import Settings

from accounts.models import User
from tests.factories import UserFactory
from tests.factories.imported_bodies import IMPORTED, make_imported_posts
from tests.factories.types import Faults, LogIn, OpenPage
from tests.factories.whole_site import PUBLIC, admin_paths, make_blog, make_owner

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def blog() -> None:
    make_blog()


@pytest.fixture
def owner(blog: None) -> User:
    return make_owner()


@pytest.fixture(params=["en", "ar"], ids=["left to right", "right to left"])
def language(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.LANGUAGE_CODE = request.param


@pytest.mark.long
@pytest.mark.usefixtures("blog", "language")
def test_public_pages_are_accessible(open_page: OpenPage, faults: Faults) -> None:
    page = open_page("/")
    found = {}
    for name, path in PUBLIC.items():
        page.goto(path)
        found[name] = faults(page)
    page.goto(PUBLIC["post with comments"])
    page.eval_on_selector("#respond form", "form => { form.noValidate = true; form.submit(); }")
    page.wait_for_selector(".errorlist")
    found["form with faults"] = faults(page)
    page.goto(PUBLIC["post with a password"])
    password = page.locator("[name=post_password]")
    password.fill("wrong")
    password.press("Enter")
    page.wait_for_selector("[role=alert]")
    found["wrong password"] = faults(page)
    password.fill("x")
    password.press("Enter")
    page.locator("button[name=replytocom]").first.click()
    page.locator(".cancel-reply").wait_for()
    found["reply on an unlocked post"] = faults(page)
    assert found == dict.fromkeys(found, "")


@pytest.mark.usefixtures("language")
def test_posts_from_wordpress_are_accessible(open_page: OpenPage, faults: Faults) -> None:
    make_imported_posts(UserFactory())
    page = open_page("/")
    found = {}
    for name, path in IMPORTED.items():
        page.goto(path)
        found[name] = faults(page)
    assert found == dict.fromkeys(found, "")


@pytest.mark.long
@pytest.mark.usefixtures("language")
def test_admin_pages_are_accessible(log_in: LogIn, owner: User, faults: Faults) -> None:
    page = log_in("owner")
    found = {}
    for path in dict.fromkeys(admin_paths(owner)):
        answer = page.goto(path)
        assert answer is not None
        # Some paths lead to the same page, such as the list of the only settings to their form.
        if page.url not in found:
            found[page.url] = faults(page) if answer.ok else f"Status {answer.status}"
    page.goto("/admin/blog/category/add/")
    page.eval_on_selector("#category_form", "form => { form.noValidate = true; form.submit(); }")
    page.wait_for_selector(".errornote")
    found["a form with errors"] = faults(page)
    assert found == dict.fromkeys(found, "")
