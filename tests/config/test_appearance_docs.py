"""The blocks, variables and files in docs/appearance.md exist, and its example works."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.conf import settings
from django.template import Template
from django.template.loader import get_template, render_to_string
from django.template.loader_tags import BlockNode
from django.test import Client

from core.template_checks import compile_templates
from mail import delivery, messages
from tests.factories import PageFactory, PostFactory
from tests.factories.newsletter import news, subscribe, turn_on
from tests.factories.types import OwnTemplates

pytestmark = pytest.mark.django_db

TEXT: Final = (settings.BASE_DIR / "docs/appearance.md").read_text(encoding="utf-8")
SECTIONS: Final = {
    section.partition("`\n")[0]: section for section in re.split(r"^### `", TEXT, flags=re.MULTILINE)[1:]
}
# An example belongs to the last file named in the text before it.
EXAMPLES: Final = {
    re.findall(r"`templates/([\w/]+\.html)`", TEXT[: example.start()])[-1]: example[1]
    for example in re.finditer(r"```django\n(.*?)```", TEXT, re.DOTALL)
}


def blocks_of(name: str) -> dict[str, Any]:
    """Return the blocks of a template and of those that it extends by name."""
    template: Template = get_template(name).template  # type: ignore[attr-defined]  # of Django's engine
    blocks: list[Any] = template.nodelist.get_nodes_by_type(BlockNode)
    found = {block.name: block for block in blocks}
    extended = re.search(r"\{% extends \"([\w/.]+)\" %\}", str(template.source))
    return (blocks_of(extended[1]) if extended else {}) | found


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield the template, the name and the content of each block."""
    for template, section in SECTIONS.items():
        for block, content in re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", section, re.MULTILINE):
            yield template, block, content


def variables(section: str) -> list[str]:
    text = re.search(r"^Variables: (.*?)(?:\n\n|\Z)", section, re.MULTILINE | re.DOTALL)
    assert text
    # Remarks about them are in brackets.
    return re.findall(r"`([\w.]+)`", re.sub(r"\([^)]*\)", "", text[1]))


def test_sections_blocks_and_examples_are_found() -> None:
    assert set(SECTIONS) >= {"base.html", "blog/post.html", "blog/page.html", "blog/listing.html", "bare.html"}
    assert len(list(rows())) > 20
    assert set(EXAMPLES) == {"base.html", "own/notice.html"}


@pytest.mark.parametrize(("template", "block", "content"), list(rows()))
def test_each_block_exists_and_is_empty_if_documented_as_such(template: str, block: str, content: str) -> None:
    found = blocks_of(template)[block]
    if content == "nothing":
        assert "".join(getattr(node, "s", "a tag") for node in found.nodelist).strip() == ""


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(\w[\w/]*\.(?:html|txt))`", TEXT))))
def test_each_template_exists(path: str) -> None:
    name = path.removeprefix("templates/")
    assert name in EXAMPLES or get_template(name)


@pytest.mark.parametrize("template", ["base.html", "blog/post.html", "blog/page.html", "blog/listing.html"])
def test_each_variable_exists(template: str, client: Client) -> None:
    post, page = PostFactory(tags=["protest"], language="en"), PageFactory()
    url = {"blog/post.html": post.get_absolute_url(), "blog/page.html": page.get_absolute_url()}.get(template, "/")
    context: Any = client.get(url).context
    for variable in variables(SECTIONS[template]):
        first, *rest = variable.split(".")
        value = context[first]
        for name in rest:
            value = getattr(value, name)


def test_each_variable_of_the_email_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {}

    def keep(name: str, context: dict[str, Any]) -> str:
        found.update(context)
        return render_to_string(name, context)

    monkeypatch.setattr(messages, "render_to_string", keep)
    turn_on()
    subscribe()
    news()
    delivery.deliver()
    named = re.sub(r"of each, .*?\)", ")", SECTIONS["newsletter/mail/posts.html"])
    assert {name.partition(".")[0] for name in variables(named)} <= set(found)


class TestExample:
    def test_has_no_problems(self, own_templates: OwnTemplates) -> None:
        own_templates(EXAMPLES)
        report = compile_templates()
        assert report.count == len(EXAMPLES)
        assert report.problems == ()

    def test_changes_the_masthead_and_the_footer_of_every_page(
        self, client: Client, own_templates: OwnTemplates
    ) -> None:
        post = PostFactory()
        own_templates(EXAMPLES)
        for url in ("/", post.get_absolute_url(), "/nothing/here/"):
            page = client.get(url).content.decode()
            head, foot = page.partition("<main")[0], page.rpartition("</main>")[2]
            assert "Independent since 2010" in head
            assert 'class="to-menu"' in head
            assert ("<h1" in head) == (url == "/")
            assert "site-title" in head
            assert foot.count('rel="license"') == 1
            assert "Back to top" in foot
