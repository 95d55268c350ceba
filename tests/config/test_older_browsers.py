"""Editors and moderators work with browsers of 2022 (Chrome 100, Safari 15.4, Firefox 115), readers with older ones."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

# What these browsers lack, and then don't only show differently. A regular expression that can't be compiled stops a
# whole script.
LACKING_IN_SCRIPTS = re.compile(
    r"\(\?<[=!]|Object\.groupBy|Promise\.withResolvers|AbortSignal\.any|structuredClone|checkVisibility|\.inert\b|\.(?:toSorted|toReversed|toSpliced)\("
)
LACKING_IN_STYLES = re.compile(r"light-dark\(|color-mix\(|oklch\(|\dv[ib]\b|@media \(\w+ [<>]")
# Browsers from 2018 on load the other scripts of public pages with this one.
LACKING_IN_2018 = re.compile(r"\?\.|\?\?|\b\d+_\d|globalThis|\.at\(|replaceChildren|replaceAll")


def files(folder: str, ending: str) -> list[Path]:
    return sorted((settings.BASE_DIR / "static" / folder).rglob(f"*.{ending}"))


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|^\s*//.*?$", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("script", [*files("admin-broadside", "js"), *files("js", "js")], ids=lambda path: path.name)
def test_scripts_need_nothing_that_older_browsers_lack(script: Path) -> None:
    assert not LACKING_IN_SCRIPTS.findall(without_comments(script.read_text(encoding="utf-8")))


@pytest.mark.parametrize("style", [*files("admin-broadside", "css"), *files("css", "css")], ids=lambda path: path.name)
def test_styles_need_nothing_that_older_browsers_lack(style: Path) -> None:
    always, *_guarded = re.split(
        r"^@supports \(color: light-dark\(.*$", without_comments(style.read_text(encoding="utf-8")), flags=re.MULTILINE
    )

    assert not LACKING_IN_STYLES.findall(always)


@pytest.mark.parametrize("style", [*files("admin-broadside", "css"), *files("css", "css")], ids=lambda path: path.name)
def test_what_cannot_be_selected_cannot_be_in_safari_either(style: Path) -> None:
    text = style.read_text(encoding="utf-8")

    assert re.findall(r"^ +user-select: (.*);", text, re.MULTILINE) == re.findall(r"-webkit-user-select: (\w+);", text)


def test_players_have_a_height_in_browsers_without_aspect_ratios() -> None:
    """Safari 14.1 knows `inset`, but not `aspect-ratio`."""
    text = (settings.BASE_DIR / "static/css/site.css").read_text(encoding="utf-8")

    assert re.search(r"@supports not \(aspect-ratio: 1\) \{\s*\.player iframe \{\s*height:", text)


def test_players_need_nothing_that_browsers_of_2018_lack() -> None:
    for name in ("page.js", "players.js", "wide-tables.js"):
        script = settings.BASE_DIR / "static" / "js" / name

        assert not LACKING_IN_2018.findall(without_comments(script.read_text(encoding="utf-8"))), name


def test_all_colours_of_the_admin_have_a_value_in_older_browsers() -> None:
    """Either Django's own, or one that doesn't need `light-dark()`."""
    tokens = (settings.BASE_DIR / "static/admin-broadside/tokens.css").read_text(encoding="utf-8")
    always, guarded = re.split(r"^@supports .*$", tokens, flags=re.MULTILINE)
    names = re.compile(r"^\s*(--[\w-]+):", re.MULTILINE)
    base = finders.find("admin/css/base.css")
    assert isinstance(base, str)
    of_django = Path(base).read_text(encoding="utf-8")

    assert set(names.findall(guarded)) <= {*names.findall(always), *names.findall(of_django)}
