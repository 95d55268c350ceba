"""`manage.py export_markdown`: files for Hugo, Pelican and the like."""

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from pytest_django import Settings

from blog.rendering import render
from library.models import Document
from tests.factories import CategoryFactory, PageFactory, PostFactory

pytestmark = pytest.mark.django_db
DAY = dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def run(folder: Path, **options: Any) -> list[str]:
    call_command("export_markdown", str(folder), stderr=io.StringIO(), **options)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def read(path: Path) -> tuple[dict[str, Any], str]:
    _empty, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in head.splitlines())}, body


class TestFiles:
    def test_a_post_with_all_that_belongs_to_it(self, tmp_path: Path) -> None:
        category = CategoryFactory(name="C: d")
        post = PostFactory(
            title='A "b": # c\n---',
            slug="a-b",
            source="*x*\n\n<!--more-->\n\ny",
            published_at=DAY,
            tags=["t"],
            categories=[category],
            language="ar",
            excerpt="Short",
        )
        assert run(tmp_path) == ["content/posts/2020/01/02-a-b.md"]
        text = (tmp_path / "content/posts/2020/01/02-a-b.md").read_text(encoding="utf-8")
        assert text.startswith('---\ntitle: "A \\"b\\": # c\\n---"\ndate: "2020-01-02T03:04:05+00:00"\n')
        for line in (
            'url: "/2020/01/02/a-b/"',
            'tags: ["t"]',
            'categories: ["C: d"]',
            "draft: false",
            'language: "ar"',
        ):
            assert f"\n{line}\n" in text
        assert f'aliases: ["/?p={post.pk}"]' in text
        assert text.endswith("---\n\n*x*\n\n<!--more-->\n\ny\n")

    @pytest.mark.parametrize("status", ["draft", "pending", "private", "trash"])
    def test_what_is_hidden_is_a_draft(self, tmp_path: Path, status: str) -> None:
        PostFactory(status=status, published_at=DAY, slug="x")
        PostFactory(status=status, published_at=None, slug="y")
        for name in run(tmp_path):
            assert read(tmp_path / name)[0]["draft"] is True

    @pytest.mark.parametrize("slug", ["..", "../../x", "CON", "a:b?", "x" * 200, "مرحبا" * 30, ".hidden", "\u200b"])
    def test_no_slug_leads_out_or_is_no_file_name(self, tmp_path: Path, slug: str) -> None:
        page = PageFactory(slug="x")
        type(page).objects.update(path=f"{slug}/{slug}")
        # A slash in the slug of a post has no address at all.
        PostFactory(slug=slug.replace("/", "-"), published_at=DAY)
        names = run(tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert len(names) == 2
        for part in "/".join(names).split("/"):
            assert len(part.encode()) < 255
            assert not set(part) & set(':*?"<>|\\')

    def test_slugs_that_differ_by_case_have_files_of_their_own_everywhere(self, tmp_path: Path) -> None:
        for slug in ("a", "A"):
            PostFactory(slug=slug, published_at=DAY)
        assert len({name.lower() for name in run(tmp_path)}) == 2

    @pytest.mark.parametrize("markup", ["html", "wordpress"])
    def test_other_markups_are_html_that_markdown_leaves_alone(self, tmp_path: Path, markup: str) -> None:
        source = "One *two*\n\n<pre>a\n\n    *b*\n</pre>\n\n<ul>\n\n<li>_c_</li></ul>"
        post = PostFactory(source=source, markup=markup, published_at=DAY)
        body = read(tmp_path / run(tmp_path)[0])[1]
        html = render(body, "markdown").body_html
        assert "<em>" not in html
        assert "a\n\n    *b*" in html
        assert post.extract == render(body, "markdown").extract

    def test_media_are_copied(self, tmp_path: Path, settings: Settings) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        document = Document.objects.create(file=ContentFile(b"%PDF-", name="a.pdf"))
        assert run(tmp_path / "out") == [f"static/media/{document.file.name}"]

    def test_a_folder_that_is_not_empty_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("mine")
        with pytest.raises(CommandError, match="--force"):
            run(tmp_path)
        assert run(tmp_path, force=True) == ["x"]
