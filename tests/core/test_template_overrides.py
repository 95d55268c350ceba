"""A site's own templates override the built-in ones, and even a broken one never costs readers a page."""

import gc
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.test import Client

from core.template_checks import check_templates, compile_templates
from operations.backups.own_templates import pack_templates
from tests.factories import PageFactory, PostFactory
from tests.factories.types import OwnTemplates

pytestmark = pytest.mark.django_db

NOTICE = "{% extends 'base.html' %}{% block footer_end %}<p>A notice</p>{% endblock %}"
# The first fail when they are compiled, the others only when a page is rendered.
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
    def test_override_the_built_in_ones_and_can_extend_them(self, client: Client, own_templates: OwnTemplates) -> None:
        own_templates({"base.html": NOTICE})
        page = client.get("/").content.decode()
        assert page.count("A notice") == 1
        assert 'class="site-title"' in page

    def test_are_loaded_without_indentation(self, own_templates: OwnTemplates) -> None:
        own_templates({"own/a.html": "<ul>\n    <li>One</li>\n</ul>"})
        assert render_to_string("own/a.html") == "<ul>\n<li>One</li>\n</ul>"

    def test_do_not_change_other_pages(
        self, read: Callable[[], list[tuple[int, bytes]]], own_templates: OwnTemplates
    ) -> None:
        before = read()
        own_templates({"own/a.html": "One"})
        assert read() == before

    @pytest.mark.parametrize(
        "name",
        [
            "admin/base_site.html",
            "accounts/login.html",
            "registration/logged_out.html",
            # Both are parts of pages of the admin, and the first also of the page to log in.
            "django/forms/widgets/password.html",
            "_sent.html",
        ],
    )
    def test_cannot_override_the_admin(self, name: str, own_templates: OwnTemplates) -> None:
        own_templates({name: "Taken over"})
        assert "Taken over" not in get_template(name).template.source  # type: ignore[attr-defined]  # Django's engine has it

    def test_can_override_emails(self, own_templates: OwnTemplates) -> None:
        own_templates({"accounts/mail/password_link.txt": "Dear reader"})
        assert render_to_string("accounts/mail/password_link.txt") == "Dear reader"

    @pytest.mark.parametrize("name", ["../secret.html", "/etc/passwd"])
    def test_are_loaded_only_from_their_folder(self, name: str, own_templates: OwnTemplates) -> None:
        folder = own_templates({"own/a.html": "One"})
        (folder.parent / "secret.html").write_text("A secret")
        with pytest.raises(TemplateDoesNotExist):
            get_template(name)

    @pytest.mark.parametrize("name", ["own/a.html", "own/b/a.html"])
    def test_show_nothing_outside_their_folder_through_links(self, name: str, own_templates: OwnTemplates) -> None:
        """People who may change templates may not read what else the site can, such as its settings."""
        folder = own_templates({"base.html": NOTICE, "404.html": "One"})
        secret = folder.parent / "secrets/a.html"
        secret.parent.mkdir()
        secret.write_text("A secret")
        link, target = (folder / name, secret) if name == "own/a.html" else (folder / "own/b", secret.parent)
        link.parent.mkdir()
        link.symlink_to(target)
        with pytest.raises(TemplateDoesNotExist):
            get_template(name)
        assert b"A secret" not in pack_templates()

    def test_can_be_links_within_their_folder(self, own_templates: OwnTemplates) -> None:
        folder = own_templates({"own/a.html": "One"})
        (folder / "404.html").symlink_to("own/a.html")
        assert render_to_string("404.html") == "One"
        assert problems() == ""


@pytest.fixture
def uncollected_garbage() -> Iterator[None]:
    """Keep the garbage of other tests, whose finalizers fail where a template that includes itself fills the stack."""
    gc.disable()
    yield
    gc.enable()


class TestBrokenTemplates:
    @pytest.mark.usefixtures("uncollected_garbage")
    @pytest.mark.parametrize("text", [*UNREADABLE, *FAILING])
    def test_never_break_a_page(
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
        logged = [record.getMessage() for record in caplog.records if record.name == "core.templates"]
        assert len(logged) == 1
        assert str(folder / "base.html") in logged[0]

    def test_that_cannot_even_be_opened_are_ignored(
        self, read: Callable[[], list[tuple[int, bytes]]], own_templates: OwnTemplates
    ) -> None:
        before = read()
        folder = own_templates({"own/a.html": "One"})
        (folder / "base.html").mkdir()
        (folder / "blog").mkdir()
        (folder / "blog/post.html").write_bytes(b"\xff\xfe")
        assert read() == before

    def test_do_not_affect_the_working_ones(self, client: Client, own_templates: OwnTemplates) -> None:
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

    def test_never_prevent_an_email(self, own_templates: OwnTemplates) -> None:
        name = "accounts/mail/password_link.txt"
        ours = render_to_string(name, {"days": 7})
        for text in ("{% nonsense %}", "{% url 'nonsense' %}"):
            own_templates({name: text})
            assert render_to_string(name, {"days": 7}) == ours

    def test_are_logged_with_the_line_number(
        self, own_templates: OwnTemplates, caplog: pytest.LogCaptureFixture
    ) -> None:
        own_templates(
            {"404.html": "{% extends 'base.html' %}\n\n{% block content %}\n{% url 'nonsense' %}{% endblock %}"}
        )
        Client().get("/nothing/here/")
        assert "line 4" in caplog.text

    def test_are_not_blamed_for_unrelated_errors(
        self, own_templates: OwnTemplates, caplog: pytest.LogCaptureFixture
    ) -> None:
        own_templates({"own/a.html": "{{ fail }}", "blog/_menu.html": "{{ fail }}"})

        def fail() -> None:
            raise OperationalError("The database is away.")

        with caplog.at_level(logging.ERROR), pytest.raises(OperationalError):
            render_to_string("blog/_menu.html", {"fail": fail})
        assert caplog.records == []

    def test_raise_errors_that_the_built_in_ones_raise_too(self, own_templates: OwnTemplates) -> None:
        own_templates({"blog/_menu.html": "{% for link in links %}{{ link }}{% endfor %}"})

        def fail() -> Any:
            raise RuntimeError("Ours")

        with pytest.raises(RuntimeError):
            render_to_string("blog/_menu.html", {"links": fail})


def problems() -> str:
    return "\n".join(compile_templates().problems)


class TestChecks:
    def test_find_no_problems_in_working_templates(self, own_templates: OwnTemplates) -> None:
        assert compile_templates().count == 0
        own_templates(
            {
                "base.html": NOTICE.replace("A notice", "{% include 'own/a.html' %}"),
                "own/a.html": "One",
                "blog/post.html": "{% extends 'blog/post.html' %}{% block after_post %}Two{% endblock %}",
                "404.html": "{% extends 'base.html' %}{% block content %}Nothing{% endblock %}",
            }
        )
        assert compile_templates().count == 4
        assert problems() == ""

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("base.html", "\n\n{% nonsense %}", "base.html can't be used, because of line 3: Invalid block tag"),
            ("base.html", "{% if site %}\n{{ site.title", "because of line 1: Unclosed tag on line 1: 'if'"),
            ("blog/old.html", "One", "Broadside doesn't have a template blog/old.html"),
            ("base.html~", "One", "Broadside doesn't have a template base.html~"),
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

    def test_name_links_to_files_outside(self, own_templates: OwnTemplates) -> None:
        folder = own_templates({"base.html": NOTICE})
        (folder.parent / "secret.html").write_text("A secret")
        (folder / "404.html").symlink_to("../secret.html")
        assert "404.html is a link to a file outside the folder" in problems()

    def test_allow_new_blocks_inside_built_in_ones(self, own_templates: OwnTemplates) -> None:
        own_templates(
            {
                "base.html": "{% extends 'base.html' %}"
                "{% block footer %}{% block imprint %}One{% endblock %}{% endblock %}",
                "404.html": "{% extends 'base.html' %}{% block imprint %}Two{% endblock %}",
            }
        )
        assert problems() == ""

    def test_ignore_the_swap_files_of_editors(self, own_templates: OwnTemplates) -> None:
        own_templates({".base.html.swp": "{% nonsense %}"})
        assert compile_templates().count == 0

    def test_report_what_failed_on_a_page_until_it_is_corrected(self, own_templates: OwnTemplates) -> None:
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

    def test_never_prevent_the_site_from_starting(self, own_templates: OwnTemplates) -> None:
        assert check_templates() == []
        own_templates({"base.html": "{% nonsense %}"})
        (found,) = check_templates()
        assert found.id == "core.W002"
        assert not found.is_serious()
