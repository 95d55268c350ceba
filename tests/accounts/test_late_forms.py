"""Forms that are sent after the session has ended are not saved, and returned unchanged after logging in."""

import datetime as dt
import re
import time
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth
from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import late_forms
from accounts.models import Session, User
from blog.models import Category, Post, Status
from core.models import SiteSettings
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import version_of_form
from tests.factories.responses import one, read

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-password-7"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ADD = "/admin/blog/post/add/"
TYPED = {"title": "A lamp", "source": "One.\n\nTwo.", "tags": "light, dark", "_step": "publish", "author": ""}


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", password=PASSWORD, role="Editor")
    return user


@pytest.fixture
def browser(amina: User) -> Client:
    """A browser in which Amina is logged in."""
    client = Client()
    log_in(client)
    return client


def log_in(client: Client, url: str = "/admin/", username: str = "amina") -> Any:
    return client.post("/admin/login/", {"username": username, "password": PASSWORD, "next": url})


def end_session() -> None:
    Session.objects.filter(user__isnull=False).delete()


def test_an_action_is_not_carried_out_and_its_list_is_opened_after_logging_in(browser: Client) -> None:
    comment = CommentFactory(status="pending")
    end_session()
    late = browser.post("/admin/comments/queue/decide/?status=pending", {"decide": f"approve {comment.pk}"})
    text = "You had been logged out, so nothing was changed."
    assert text in text_of(browser.get(late["Location"]))
    back = log_in(browser, "/admin/comments/queue/decide/?status=pending")
    page = browser.get(back["Location"], headers={"accept": "text/html"}, follow=True)
    assert (page.status_code, page.redirect_chain) == (200, [("/admin/comments/queue/", 302)])
    # A list is opened with its filters.
    filters = "?_changelist_filters=state%3Dall%26p%3D2"
    page = browser.get(f"/admin/blog/post/{comment.entry_id}/trash/{filters}", headers={"accept": "text/html"})
    assert page["Location"] == "/admin/blog/post/?state=all&p=2"
    comment.refresh_from_db()
    assert comment.status == "pending"


def test_messages_for_strangers_are_none(client: Client) -> None:
    late = client.post("/admin/comments/queue/decide/", {"decide": "approve 1"})
    assert "logged out" not in text_of(client.get(late["Location"]))


def send_late(client: Client, url: str = ADD, **fields: Any) -> Any:
    end_session()
    response = client.post(url, {**TYPED, **fields})
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/?next=")
    return response


def text_of(response: Any) -> str:
    return response.content.decode()


def form_in(response: Any, kind: str) -> dict[str, str]:
    """Return what a browser sends for the form on a page."""
    return dict(one(read(response), f"#{kind}_form").form_values())


def shown_fields(client: Client, url: str = ADD) -> dict[str, Any]:
    form = client.get(url).context["adminform"].form
    return {name: form[name].value() for name in form.fields}


def test_the_form_is_returned_after_logging_in_and_can_be_saved(browser: Client, amina: User) -> None:
    late = send_late(browser, author=amina.pk)
    login = browser.get(late["Location"])
    assert "You had been logged out, so nothing was saved." in text_of(login)
    assert "A lamp" not in text_of(login)
    assert log_in(browser, ADD)["Location"] == ADD
    page = browser.get(ADD)
    assert "It isn&#x27;t saved yet." in text_of(page)
    assert Post.objects.count() == 0
    form = page.context["adminform"].form
    sent = {name: form[name].value() for name in form.fields} | {"_step": "save"}
    assert (sent["title"], sent["source"], sent["tags"]) == ("A lamp", "One.\n\nTwo.", "light, dark")
    saved = browser.post(ADD, {name: value for name, value in sent.items() if value is not None})
    assert saved.status_code == 302
    post = Post.objects.get()
    assert (post.title, post.source, post.status) == ("A lamp", "One.\n\nTwo.", Status.DRAFT)
    # From then on, the form is empty.
    assert shown_fields(browser)["title"] in (None, "")


def test_the_form_survives_the_second_step(browser: Client, amina: User) -> None:
    auth.TOTP.activate(amina, SECRET)
    send_late(browser)
    assert log_in(browser, ADD)["Location"] == "/admin/login/second-step/"
    assert browser.get(ADD)["Location"].startswith("/admin/login/")
    code = auth.format_hotp_value(auth.hotp_value(SECRET, int(timezone.now().timestamp()) // 30))
    assert browser.post("/admin/login/second-step/", {"code": code})["Location"] == ADD
    assert shown_fields(browser)["source"] == "One.\n\nTwo."


@pytest.mark.parametrize("kind", ["post", "page", "category", "settings"])
def test_every_form_of_the_admin_is_returned_and_changes_nothing(browser: Client, amina: User, kind: str) -> None:
    User.objects.filter(pk=amina.pk).update(is_superuser=True)
    post, page, category = PostFactory(title="Old"), PageFactory(title="Old"), CategoryFactory(name="Old")
    SiteSettings.objects.update_or_create(pk=1, defaults={"title": "Old"})
    url, field = {
        "post": (f"/admin/blog/post/{post.pk}/change/", "title"),
        "page": (f"/admin/blog/page/{page.pk}/change/?_changelist_filters=q%3Dx", "title"),
        "category": (f"/admin/blog/category/{category.pk}/change/", "name"),
        "settings": ("/admin/core/sitesettings/1/change/", "title"),
    }[kind]
    send_late(browser, url, **{field: "New"})
    log_in(browser, url)
    assert shown_fields(browser, url)[field] == "New"
    assert Post.objects.get().title == Category.objects.get(pk=category.pk).name == "Old"
    assert SiteSettings.objects.get().title == "Old"


def test_a_change_by_someone_else_in_the_meantime_is_reported(browser: Client) -> None:
    post = PostFactory(title="Old", source="Old.")
    version = post.modified_at.isoformat()
    Post.objects.filter(pk=post.pk).update(source="Other.", modified_at=timezone.now() + dt.timedelta(seconds=5))
    url = f"/admin/blog/post/{post.pk}/change/"
    send_late(browser, url, source="Mine.", version=version)
    log_in(browser, url)
    page = text_of(browser.get(url))
    assert "after you opened it" in page
    assert Post.objects.get().source == "Other."


def test_files_must_be_chosen_again(browser: Client) -> None:
    send_late(browser, upload=SimpleUploadedFile("lamp.png", b"bytes"))
    log_in(browser, ADD)
    assert "The files couldn&#x27;t be kept. Choose them again." in text_of(browser.get(ADD))


class TestTokensOfEarlierLogins:
    """Someone has logged in again in another tab since the form was opened."""

    @pytest.fixture
    def strict(self, amina: User) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(amina)
        return client

    @pytest.mark.parametrize(("kind", "field"), [("post", "title"), ("category", "name")])
    def test_the_form_is_shown_as_it_was_filled_in_and_can_then_be_saved(
        self, strict: Client, kind: str, field: str
    ) -> None:
        old = PostFactory(title="Old") if kind == "post" else CategoryFactory(name="Old")
        url = f"/admin/blog/{kind}/{old.pk}/change/"
        typed = {**form_in(strict.get(url), kind), field: "New", "_step": "save"}
        shown = strict.post(url, {**typed, "csrfmiddlewaretoken": "a" * 64})
        assert shown.status_code == 403
        assert "It isn&#x27;t saved yet." in text_of(shown)
        old.refresh_from_db()
        assert getattr(old, field) == "Old"
        assert strict.post(url, form_in(shown, kind) | {"_step": "save"}).status_code == 302
        old.refresh_from_db()
        assert getattr(old, field) == "New"

    def test_forms_from_other_sites_are_not_shown(self, strict: Client) -> None:
        forged = strict.post(ADD, TYPED, headers={"sec-fetch-site": "same-site"})
        assert forged.status_code == 403
        assert "A lamp" not in text_of(forged)

    def test_what_the_person_may_no_longer_change_is_not_shown(self, strict: Client, amina: User) -> None:
        amina.groups.clear()
        assert "A lamp" not in text_of(strict.post(ADD, TYPED))


class TestConfidentiality:
    def test_logging_in_as_someone_else_discards_the_form(self, browser: Client) -> None:
        UserFactory(username="badr", password=PASSWORD, role="Editor")
        send_late(browser)
        log_in(browser, ADD, username="badr")
        assert shown_fields(browser)["title"] in (None, "")
        browser.post("/admin/logout/")
        log_in(browser, ADD)
        assert shown_fields(browser)["title"] in (None, "")

    def test_other_browsers_do_not_get_the_form(self, browser: Client) -> None:
        send_late(browser)
        other = Client()
        log_in(other, ADD)
        assert shown_fields(other)["title"] in (None, "")

    def test_the_form_is_discarded_after_an_hour(self, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        send_late(browser)
        session = Session.objects.get(user=None)
        left = session.expire_date - timezone.now()
        assert dt.timedelta(minutes=55) < left <= dt.timedelta(hours=1)
        log_in(browser, ADD)
        later = time.time() + late_forms.KEPT_FOR + 1
        monkeypatch.setattr(time, "time", lambda: later)
        assert shown_fields(browser)["title"] in (None, "")

    def test_no_cookie_contains_any_of_the_form(self, browser: Client) -> None:
        send_late(browser)
        cookies = " ".join(f"{cookie.key}={cookie.value}" for cookie in browser.cookies.values())
        assert "lamp" not in cookies.lower()
        assert len(cookies) < 2000


class TestNothingIsKept:
    def test_from_a_browser_in_which_no_one_has_ever_logged_in(self) -> None:
        client = Client()
        assert client.post(ADD, TYPED).status_code == 302
        assert Session.objects.count() == 0

    def test_from_another_site(self, amina: User) -> None:
        client = Client(enforce_csrf_checks=True)
        page = text_of(client.get("/admin/login/"))
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token
        data = {"username": "amina", "password": PASSWORD, "next": ADD, "csrfmiddlewaretoken": token[1]}
        assert client.post("/admin/login/", data).status_code == 302
        end_session()
        assert client.post(ADD, TYPED).status_code == 403
        assert Session.objects.count() == 0

    @pytest.mark.parametrize("url", ["/admin/blog/post/", "/admin/login/", "/admin/account/confirm/"])
    def test_from_pages_without_a_model_form(self, browser: Client, url: str) -> None:
        end_session()
        browser.post(url, TYPED)
        assert not [session for session in Session.objects.all() if "late_form" in session.get_decoded()]

    def test_from_a_form_larger_than_the_longest_text(self, browser: Client) -> None:
        end_session()
        browser.post(ADD, {"source": "ا" * (late_forms.MAX_BYTES // 2 + 1)})
        assert Session.objects.count() == 0

    def test_from_too_many_forms_in_a_short_time(self, browser: Client) -> None:
        for _attempt in range(late_forms.MAX_FORMS + 3):
            browser.cookies.pop(settings.SESSION_COOKIE_NAME, None)
            browser.post(ADD, TYPED)
        assert Session.objects.filter(user=None).count() == late_forms.MAX_FORMS

    def test_because_no_model_form_has_a_field_for_a_login_password(self, amina: User) -> None:
        request = RequestFactory().get("/admin/")
        request.user = User.objects.get(pk=amina.pk)
        request.user.is_superuser = True
        fields = [
            field
            for model in apps.get_models()
            if admin.site.is_registered(model)
            for field in admin.site.get_model_admin(model).get_form(request).base_fields.values()
        ]
        assert fields
        assert not [field for field in fields if isinstance(field.widget, forms.PasswordInput)]


def test_pages_for_logged_in_users_take_no_extra_query(browser: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get("/admin/account/").status_code == 200
        return len(captured)

    count()
    before = count()
    send_late(browser)
    log_in(browser)
    count()
    assert count() == before


def test_a_form_that_was_sent_again_successfully_is_not_shown_again(browser: Client, amina: User) -> None:
    post = PostFactory(title="Old", author=amina)
    url = f"/admin/blog/post/{post.pk}/change/"
    send_late(browser, url, title="New")
    log_in(browser)
    again = {**TYPED, "title": "Newer", "author": amina.pk, "version": version_of_form(post), "_step": "save"}
    assert browser.post(url, again).status_code == 302
    assert shown_fields(browser, url)["title"] == "Newer"
