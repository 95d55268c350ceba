"""The documentation names commands, options, pages and headings that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

ROOT: Final = Path(settings.BASE_DIR)
PAGES: Final = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the options of each command of the site, in blocks and within sentences."""
    for name, rest in re.findall(r"(?:\bbroadside|manage\.py) ([a-z_]+)((?: [^\n`|;&<>]+)?)(?=[\n`|;&<>])", text):
        yield name, re.findall(r"(?<= )--[a-z-]+", rest)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_commands_exist_and_have_the_options(page: Path) -> None:
    known = get_commands()
    for name, options in commands(page.read_text(encoding="utf-8")):
        if name == "help":
            continue
        assert name in known
        parser = load_command_class(known[name], name).create_parser("manage.py", name)
        # The options of a command with several parts, such as `commenter erase`, are in the help of each part.
        if parser._subparsers is None:
            assert set(options) <= parser._option_string_actions.keys(), name


@every_page
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    # Examples of Markdown are code.
    text = re.sub(r"```.*?```|`[^`\n]+`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            path, _hash, anchor = target.partition("#")
            linked = page.parent / path if path else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


def test_commands_are_found() -> None:
    text = "Run `broadside doctor --mail`:\n\nbroadside restore --check --key - < key.txt\nmanage.py migrate\n"
    assert list(commands(text)) == [("doctor", ["--mail"]), ("restore", ["--check", "--key"]), ("migrate", [])]
