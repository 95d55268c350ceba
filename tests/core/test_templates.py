"""Templates are loaded without needless whitespace for pages, and unchanged for e-mails."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.forms import Select
from django.forms.renderers import DjangoTemplates, TemplatesSetting
from django.template import Context, Engine, engines
from django.test.html import parse_html
from django.utils.translation import override


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine for the templates `page.html` and `mail.txt`, which have the same text."""
    for name in ("page.html", "mail.txt"):
        (tmp_path / name).write_text(
            "<ul>\n  {% if on %}\n\t<li\n    lang='en'>{{ text }}</li>\n  {% endif %}\n</ul>\n"
        )
    return Engine(dirs=[str(tmp_path)], loaders=["core.templates.CompactLoader"])


def test_pages_have_no_indentation_but_that_of_their_content(engine: Engine) -> None:
    page = engine.get_template("page.html").render(Context({"on": True, "text": "a\n  b"}))
    assert page == "<ul>\n<li lang='en'>a\n  b</li>\n</ul>\n"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{# A comment. #}\n{% with a=1 %}{# Another. #}\n<p>\n{% endwith %}\n", "<p>\n"),
        ("a\n{% if no %}\nb\n{% else %}\nc\n{% endif %}\nd\n", "a\nc\nd\n"),
        ("a\n{% for each in 'xy' %}\n{{ each }}\n{% endfor %}\nb", "a\nx\ny\nb"),
        # A tag that renders something keeps its line, and so does a tag next to other content.
        ("{% firstof 'x' %}\n{{ text }}\n<b>", "x\nt\n<b>"),
        ("a {% if on %}\nb{% endif %}\nc", "a \nb\nc"),
        ("{% ifchanged %}\na\n{% endifchanged %}\nb", "\na\n\nb"),
    ],
)
def test_a_line_with_nothing_but_tags_leaves_no_line(engine: Engine, tmp_path: Path, source: str, shown: str) -> None:
    (tmp_path / "page.html").write_text(source)
    assert engine.get_template("page.html").render(Context({"on": True, "text": "t"})) == shown


def test_an_included_template_leaves_no_line_besides_its_own(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("a\n{% include 'part.html' %}\nb")
    (tmp_path / "part.html").write_text("{% if text %}\n<i>\n{% endif %}\n")
    page = engine.get_template("page.html")
    assert page.render(Context({"text": "t"})) == "a\n<i>\nb"
    assert page.render(Context()) == "a\nb"


def test_emails_stay_as_they_are(engine: Engine) -> None:
    mail = engine.get_template("mail.txt").render(Context({"on": True, "text": "a"}))
    assert mail == "<ul>\n  \n\t<li\n    lang='en'>a</li>\n  \n</ul>\n"


def test_selects_are_those_of_django() -> None:
    choices = [("", "No <one>"), ("é", "2 & 3"), ("Numbers", [(1, "One"), (2, "Two")])]
    select = Select({"id": "id_n", "required": True, "disabled": False}, choices)
    ours, theirs = (select.render("n", 2, renderer=renderer) for renderer in (TemplatesSetting(), DjangoTemplates()))
    assert parse_html(ours) == parse_html(theirs)
    assert "selected>Two" in ours


def test_messages_of_several_lines_are_trimmed() -> None:
    """Without `trimmed`, the catalogue has the message with an indentation that the loader has removed."""
    block = re.compile(r"\{%\s*blocktrans(?:late)?\b([^%]*)%\}([^{]|\{(?!%\s*end))*?\{%\s*endblocktrans")
    found = [
        path.name
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        for match in block.finditer(path.read_text(encoding="utf-8"))
        if re.search(r"\n[ \t]", match[0].partition("%}")[2]) and "trimmed" not in match[1]
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "english", "french"),
    [
        ("{% translate 'Menu' %}", "Menu", "Menu"),
        ("{% translate 'Search' %}", "Search", "Rechercher"),
        ("{% translate 'Search'|upper %}", "SEARCH", "RECHERCHER"),
        ("{% translate 'by' context 'an author' %}", "by", "par"),
        ("{% translate word %}", "Search", "Rechercher"),
        ("{% translate 'Search' as text %}-{{ text }}", "-Search", "-Rechercher"),
        ("{% url 'blog:front' %}", "/", "/"),
        ("{% url 'blog:year' year %}", "/2020/", "/2020/"),
        ("{% url 'blog:front' as text %}-{{ text }}", "-/", "-/"),
    ],
)
def test_messages_and_urls_are_looked_up_in_each_language(source: str, english: str, french: str) -> None:
    template = engines["django"].from_string("{% load i18n %}" + source)
    for language, shown in (("en", english), ("fr", french), ("en", english)):
        with override(language):
            assert template.render({"word": "Search", "year": "2020"}) == shown


def test_a_message_with_a_variable_is_looked_up_each_time() -> None:
    template = engines["django"].from_string("{% load i18n %}{% translate word %}")
    assert [template.render({"word": word}) for word in ("one", "two")] == ["one", "two"]
