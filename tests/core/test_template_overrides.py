"""Templates of a site come before ours, and none of them can cost readers a page."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.test import Client

from core.template_checks import check_templates, look_at_templates
from tests.factories import PageFactory, PostFactory
from tests.factories.types import OwnTemplates

pytestmark = pytest.mark.django_db

NOTICE = "{% extends 'base.html' %}{% block footer_end %}<p>A notice</p>{% endblock %}"
# What is wrong with each of them is found when it is read, or only when a page is made.
UNREADABLE = ["{% block content %}", "{% nonsense %}", "{% load nonsense %}", "{{ site.title|nonsense }}"]
FAILING = [
    NOTICE.replace("A notice", tag)
    for tag in (
        "{% url 'nonsense' %}",
        "{% include 'own/nonsense.html' %}",
        "{% include 'base.html' %}",
        "{% include nonsense %}",
    )
] + ["{% extends 'nonsense.html' %}"]


@pytest.fixture
def urls() -> list[str]:
    """A page of each kind."""
    post = PostFactory(title="The march", tags=["protest"])
    page = PageFactory(title="About us")
    texts = [post.get_absolute_url(), page.get_absolute_url(), "/privacy/"]
    return ["/", *texts, "/2020/", "/archive/", "/tags/", "/tag/protest/", "/search/?q=march", "/nothing/here/"]


@pytest.fixture
def read(client: Client, urls: list[str]) -> Callable[[], list[tuple[int, bytes]]]:
    """Return the status and content of each page."""

    def read() -> list[tuple[int, bytes]]:
        found = [client.get(url) for url in urls]
        return [(response.status_code, response.content) for response in found]

    return read


class TestTemplatesOfTheSite:
    def test_come_before_ours_and_can_extend_them(self, client: Client, own_templates: OwnTemplates) -> None:
        own_templates({"base.html": NOTICE})
        page = client.get("/").content.decode()
        assert page.count("A notice") == 1
        assert 'class="site-title"' in page

    def test_are_read_without_indentation(self, own_templates: OwnTemplates) -> None:
        own_templates({"own/a.html": "<ul>\n    <li>One</li>\n</ul>"})
        assert render_to_string("own/a.html") == "<ul>\n<li>One</li>\n</ul>"

    def test_change_no_page_that_they_are_not_for(
        self, read: Callable[[], list[tuple[int, bytes]]], own_templates: OwnTemplates
    ) -> None:
        before = read()
        own_templates({"own/a.html": "One"})
        assert read() == before

    @pytest.mark.parametrize("name", ["admin/base_site.html", "accounts/login.html", "registration/logged_out.html"])
    def test_are_not_for_the_admin(self, name: str, own_templates: OwnTemplates) -> None:
        own_templates({name: "Taken over"})
        assert "Taken over" not in get_template(name).template.source  # type: ignore[attr-defined]  # of Django's engine

    def test_can_be_those_of_emails(self, own_templates: OwnTemplates) -> None:
        own_templates({"accounts/mail/password_link.txt": "Dear reader"})
        assert render_to_string("accounts/mail/password_link.txt") == "Dear reader"

    @pytest.mark.parametrize("name", ["../secret.html", "/etc/passwd"])
    def test_are_in_their_folder(self, name: str, own_templates: OwnTemplates) -> None:
        folder = own_templates({"own/a.html": "One"})
        (folder.parent / "secret.html").write_text("A secret")
        with pytest.raises(TemplateDoesNotExist):
            get_template(name)


class TestBrokenTemplates:
    @pytest.mark.parametrize("text", [*UNREADABLE, *FAILING])
    def test_cost_no_reader_a_page(
        self,
        text: str,
        read: Callable[[], list[tuple[int, bytes]]],
        own_templates: OwnTemplates,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        before = read()
        folder = own_templates({"base.html": text})
        assert read() == before
        assert read() == before
        said = [record.getMessage() for record in caplog.records if record.name == "core.templates"]
        assert len(said) == 1
        assert str(folder / "base.html") in said[0]

    def test_of_which_one_can_not_even_be_opened(
        self, read: Callable[[], list[tuple[int, bytes]]], own_templates: OwnTemplates
    ) -> None:
        before = read()
        folder = own_templates({"own/a.html": "One"})
        (folder / "base.html").mkdir()
        (folder / "blog").mkdir()
        (folder / "blog/post.html").write_bytes(b"\xff\xfe")
        assert read() == before

    def test_of_which_the_others_are_used(self, client: Client, own_templates: OwnTemplates) -> None:
        own_templates({"base.html": NOTICE, "blog/_menu.html": "{% nonsense %}"})
        assert "A notice" in client.get("/").content.decode()

    def test_that_fail_on_some_pages_are_used_on_the_others(self, client: Client, own_templates: OwnTemplates) -> None:
        own_templates(
            {"base.html": NOTICE.replace("A notice", "A notice{% if posts %}{% url 'nonsense' %}{% endif %}")}
        )
        assert "A notice" in client.get("/").content.decode()
        PostFactory()
        page = client.get("/").content.decode()
        assert "A notice" not in page
        assert 'class="colophon"' in page

    def test_cost_no_email(self, own_templates: OwnTemplates) -> None:
        name = "accounts/mail/password_link.txt"
        ours = render_to_string(name, {"days": 7})
        for text in ("{% nonsense %}", "{% url 'nonsense' %}"):
            own_templates({name: text})
            assert render_to_string(name, {"days": 7}) == ours

    def test_are_logged_with_the_line(self, own_templates: OwnTemplates, caplog: pytest.LogCaptureFixture) -> None:
        own_templates(
            {"404.html": "{% extends 'base.html' %}\n\n{% block content %}\n{% url 'nonsense' %}{% endblock %}"}
        )
        Client().get("/nothing/here/")
        assert "line 4" in caplog.text

    def test_have_no_part_in_faults_of_ours(
        self, own_templates: OwnTemplates, caplog: pytest.LogCaptureFixture
    ) -> None:
        own_templates({"own/a.html": "{{ fail }}", "blog/_menu.html": "{{ fail }}"})

        def fail() -> None:
            raise OperationalError("The database is away.")

        with caplog.at_level(logging.ERROR), pytest.raises(OperationalError):
            render_to_string("blog/_menu.html", {"fail": fail})
        assert caplog.records == []

    def test_raise_what_ours_raise_as_well(self, own_templates: OwnTemplates) -> None:
        own_templates({"blog/_menu.html": "{% for link in links %}{{ link }}{% endfor %}"})

        def fail() -> Any:
            raise RuntimeError("Ours")

        with pytest.raises(RuntimeError):
            render_to_string("blog/_menu.html", {"links": fail})


def problems() -> str:
    return "\n".join(look_at_templates().problems)


class TestChecks:
    def test_find_nothing_wrong_with_what_works(self, own_templates: OwnTemplates) -> None:
        assert look_at_templates().count == 0
        own_templates(
            {
                "base.html": NOTICE.replace("A notice", "{% include 'own/a.html' %}"),
                "own/a.html": "One",
                "blog/post.html": "{% extends 'blog/post.html' %}{% block after_post %}Two{% endblock %}",
                "404.html": "{% extends 'base.html' %}{% block content %}Nothing{% endblock %}",
            }
        )
        assert look_at_templates().count == 4
        assert problems() == ""

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("base.html", "\n\n{% nonsense %}", "base.html can't be used, because of line 3: Invalid block tag"),
            ("base.html", "{% if site %}\n{{ site.title", "because of line 1: Unclosed tag on line 1: 'if'"),
            ("blog/old.html", "One", "Broadside has no template blog/old.html"),
            ("base.html~", "One", "Broadside has no template base.html~"),
            ("admin/index.html", "One", "admin/index.html is not for readers"),
            ("own/a.html", "{% include 'own/b.html' %}", "own/b.html in line 1, which doesn't exist"),
            ("404.html", "{% extends 'old.html' %}", "old.html in line 1, which doesn't exist"),
            ("base.html", NOTICE.replace("footer_end", "footer_ende"), "has a block footer_ende"),
            ("base.html", "<p>{% block content %}{% endblock %}</p>", "base.html has no block discovery"),
            ("404.html", "{% extends 'base.html' %}{% block contents %}{% endblock %}", "has a block contents"),
        ],
    )
    def test_name_the_file_and_what_is_wrong(
        self, name: str, text: str, said: str, own_templates: OwnTemplates
    ) -> None:
        own_templates({name: text})
        assert said in problems()

    def test_allow_a_block_within_one_that_ours_have(self, own_templates: OwnTemplates) -> None:
        own_templates(
            {
                "base.html": "{% extends 'base.html' %}"
                "{% block footer %}{% block imprint %}One{% endblock %}{% endblock %}",
                "404.html": "{% extends 'base.html' %}{% block imprint %}Two{% endblock %}",
            }
        )
        assert problems() == ""

    def test_leave_the_files_of_editors_alone(self, own_templates: OwnTemplates) -> None:
        own_templates({".base.html.swp": "{% nonsense %}"})
        assert look_at_templates().count == 0

    def test_say_what_failed_on_a_page_until_it_is_corrected(self, own_templates: OwnTemplates) -> None:
        folder = own_templates({"404.html": "\n{% url 'nonsense' %}"})
        assert problems() == ""
        Client().get("/nothing/here/")
        assert "404.html failed on line 2 while a page was rendered (NoReverseMatch)" in problems()
        (folder / "404.html").write_text("Nothing is here.")
        assert problems() == ""

    def test_read_the_files_as_they_are_now(self, own_templates: OwnTemplates) -> None:
        folder = own_templates({"404.html": "Nothing"})
        Client().get("/nothing/here/")
        (folder / "404.html").write_text("{% nonsense %}")
        assert "404.html can't be used" in problems()

    def test_never_keep_the_site_from_starting(self, own_templates: OwnTemplates) -> None:
        assert check_templates() == []
        own_templates({"base.html": "{% nonsense %}"})
        (found,) = check_templates()
        assert found.id == "core.W002"
        assert not found.is_serious()
