"""The language in which staff use the admin."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from accounts.password_links import Kind
from core.models import SiteSettings
from mail import password_links
from tests.factories import PostFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client: Client) -> User:
    user: User = UserFactory(role="Editor")
    client.force_login(user)
    return user


def heading(client: Client, path: str = "/admin/blog/post/") -> str:
    page = client.get(path).content.decode()
    return page[page.index("<html") : page.index(">", page.index("<html"))]


class TestChoosing:
    def test_the_admin_is_in_the_language_of_the_site_at_first(
        self, client: Client, editor: User, settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = "uk"
        assert 'lang="uk"' in heading(client)

    def test_then_in_that_which_the_user_has_chosen(self, client: Client, editor: User) -> None:
        response = client.post(reverse("account_language"), {"language": "ar"}, follow=True)
        assert 'lang="ar"' in heading(client)
        assert 'dir="rtl"' in heading(client)
        assert "This is the language" not in response.content.decode()

    @pytest.mark.parametrize("language", ["xx", "de", "../ar"])
    def test_any_other_is_refused(self, client: Client, editor: User, language: str) -> None:
        client.post(reverse("account_language"), {"language": language})
        editor.refresh_from_db()
        assert editor.language == ""

    def test_changes_nothing_that_readers_see(self, client: Client, editor: User) -> None:
        before = SiteSettings.current().entries_version
        client.post(reverse("account_language"), {"language": "fr"})
        assert SiteSettings.current().entries_version == before

    def test_is_for_those_who_are_logged_in(self, client: Client) -> None:
        assert client.post(reverse("account_language"), {"language": "fr"}).status_code == 302


class TestPublicPages:
    def test_stay_in_their_own_language(self, client: Client, editor: User) -> None:
        User.objects.filter(pk=editor.pk).update(language="fr")
        PostFactory(language="en")
        assert 'lang="en"' in heading(client, "/")

    def test_so_does_the_next_request_of_others(self, client: Client, editor: User) -> None:
        User.objects.filter(pk=editor.pk).update(language="fr")
        assert 'lang="fr"' in heading(client)
        assert 'lang="en"' in heading(Client(), "/admin/login/")


def test_an_email_with_a_link_is_in_the_language_of_the_person() -> None:
    person = UserFactory(role="Editor", email="zoe@example.org", language="fr")
    assert password_links.send(person, "https://example.org/x", Kind.REQUESTED)
    (email,) = mail.outbox
    assert "Choose a new password" not in email.subject
    assert "https://example.org/x" in email.body
