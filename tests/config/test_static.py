"""Our own styles and scripts are sent without comments and needless spaces, third-party ones unchanged."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from config.static import StaticStorage

STYLES_OF_PUBLIC_PAGES = ["static/css/site.css", "static/css/overviews.css", "templates/blog/appearance.css"]


def source(name: str) -> Path:
    found = finders.find(name)
    assert isinstance(found, str)
    return Path(found)


@pytest.fixture
def storage(settings: Settings, tmp_path: Path) -> StaticStorage:
    """An empty storage."""
    settings.STATIC_ROOT = tmp_path / "static"
    return StaticStorage(location=str(settings.STATIC_ROOT))


def collect(storage: StaticStorage, name: str, content: str) -> Path:
    """Collect a file, and return its path."""
    path = Path(storage.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    assert not [
        error for *_names, error in storage.post_process({name: (storage, name)}) if isinstance(error, Exception)
    ]
    return path


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "css/a.css",
            "/* 1 Colours */\nmain  :is(ul, ol) {\n  margin: calc(1px - 2px) 0;\n}\n",
            "main :is(ul,ol){margin:calc(1px - 2px) 0}",
        ),
        ("css/b.css", '.a::after {\n  content: "/* ⏳ */  " / "";\n}', '.a::after{content:"/* ⏳ */  " / ""}'),
        (
            "js/a.js",
            "// Why.\nconst text = `a  // b\n  ${c}`;\n\nf(/[/*]/u);\n",
            "const text=`a  // b\n  ${c}`;f(/[/*]/u);",
        ),
    ],
)
def test_our_files_are_minified(storage: StaticStorage, name: str, content: str, expected: str) -> None:
    assert collect(storage, name, content).read_text("utf-8").strip() == expected


def test_minifying_a_minified_file_changes_nothing(storage: StaticStorage) -> None:
    once = collect(storage, "css/a.css", source("css/site.css").read_text("utf-8")).read_text("utf-8")
    assert collect(storage, "css/a.css", once).read_text("utf-8") == once


@pytest.mark.parametrize("path", STYLES_OF_PUBLIC_PAGES)
def test_old_phones_understand_the_styles_of_public_pages(path: str) -> None:
    """Browsers from 2018 ignore rules with unknown selectors, and declarations with unknown properties."""
    style = re.sub(r"/\*.*?\*/", "", (settings.BASE_DIR / path).read_text("utf-8"), flags=re.DOTALL)
    unknown = (
        r":not\([^()]*,|\b(?:margin|padding|border|inset)-(?:block|inline:)|(?:inline|block)-size:|^ +inset:|clamp\("
    )
    assert re.findall(unknown, style, re.MULTILINE) == []
    # Only decoration may depend on such selectors, not layout.
    rules = re.findall(r":(?:is|where)\([^{}]*\{([^{}]*)\}", style)
    layout = r"\b(?:margin|padding|display|position|width|height)"
    assert not [rule for rule in rules if re.search(layout, rule)]


@pytest.mark.parametrize("path", STYLES_OF_PUBLIC_PAGES)
def test_links_are_underlined_in_every_browser(path: str) -> None:
    """Safari before 26.2 reads only the line in this shorthand, and with a custom property in it, it draws none."""
    style = (settings.BASE_DIR / path).read_text("utf-8")
    assert set(re.findall(r"text-decoration: ([^;]*);", style)) <= {"none", "underline"}


@pytest.mark.parametrize("name", ["vendor/a.css", "admin/a.js", "markdownx/a.js"])
def test_third_party_files_are_not_changed(storage: StaticStorage, name: str) -> None:
    assert collect(storage, name, "/* A licence */\n\na {  }\n").read_text("utf-8") == "/* A licence */\n\na {  }\n"


def test_a_file_of_the_project_is_not_changed_through_a_link(storage: StaticStorage, tmp_path: Path) -> None:
    original = tmp_path / "a.css"
    original.write_text("/* a */", encoding="utf-8")
    link = Path(storage.path("a.css"))
    link.parent.mkdir(parents=True)
    link.symlink_to(original)
    list(storage.post_process({"a.css": (storage, "a.css")}))
    assert original.read_text("utf-8") == "/* a */"


def test_collected_files_are_minified_except_third_party_ones(static_root: Path) -> None:
    styles = [path.read_text("utf-8") for path in (static_root / "css").glob("site*.css")]
    # Once under its own name, and once with the hash of its content in the name.
    assert len(styles) == 2
    for style in styles:
        assert "/*" not in style
        assert len(style) < len(source("css/site.css").read_text("utf-8"))
    assert (static_root / "vendor/altcha/pbkdf2.js").read_bytes() == source("vendor/altcha/pbkdf2.js").read_bytes()


def test_only_files_that_pages_link_to_are_compressed(storage: StaticStorage) -> None:
    collect(storage, "css/a.css", "a { color: red }\n" * 99)
    found = sorted(path.name for path in Path(storage.path("css")).iterdir())
    linked = Path(storage.stored_name("css/a.css")).name
    assert found == sorted(["a.css", linked, f"{linked}.br", f"{linked}.gz"])


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/static/x", "/static/x/", "/static/css/x.css", "/static/site.css/", "/static/2020/"])
def test_a_missing_file_is_not_found_at_once(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers.get("Location")) == (404, None)
