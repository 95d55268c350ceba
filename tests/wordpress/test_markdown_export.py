"""`manage.py export_markdown`: files for static site generators. `.ci/generators` builds sites from them."""

import datetime as dt
import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from blog.models import Post
from blog.rendering import render
from core.models import SiteSettings
from media.models import Document
from media.pictures import store_picture
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory
from tests.factories.files import picture_file
from wordpress.exporting.generators import GENERATORS, Hugo

pytestmark = pytest.mark.django_db
DAY = dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


CONFIGURATION = {"hugo.toml", "pelicanconf.py", "eleventy.config.js", "_config.yml", "package.json"}


def run(folder: Path, **options: Any) -> list[str]:
    """Export, and return the paths of all files except the configuration."""
    call_command("export_markdown", str(folder), stderr=io.StringIO(), **options)
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if path not in CONFIGURATION)


def read(path: Path) -> tuple[dict[str, Any], str]:
    _empty, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in head.splitlines())}, body


class TestFiles:
    def test_a_post_is_exported_with_every_field(self, tmp_path: Path) -> None:
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
        post.enclosures.create(url="https://a.example/1.mp3", length=5, media_type="audio/mpeg")
        assert run(tmp_path) == ["content/posts/2020/01/02-a-b.md"]
        text = (tmp_path / "content/posts/2020/01/02-a-b.md").read_text(encoding="utf-8")
        assert text.startswith('---\ntitle: "A \\"b\\": # c\\n---"\ndate: "2020-01-02T03:04:05+00:00"\n')
        for line in (
            'url: "/2020/01/02/a-b/"',
            'tags: ["t"]',
            'categories: ["C: d"]',
            "draft: false",
            'language: "ar"',
            'enclosures: [{"url": "https://a.example/1.mp3", "length": 5, "type": "audio/mpeg"}]',
        ):
            assert f"\n{line}\n" in text
        assert f'aliases: ["/?p={post.pk}"]' in text
        assert text.endswith("---\n\n*x*\n\n<!--more-->\n\ny\n")

    @pytest.mark.parametrize("status", ["draft", "pending", "private", "trash"])
    def test_unpublished_posts_are_drafts(self, tmp_path: Path, status: str) -> None:
        PostFactory(status=status, published_at=DAY, slug="x")
        PostFactory(status=status, published_at=None, slug="y")
        for name in run(tmp_path):
            assert read(tmp_path / name)[0]["draft"] is True

    def test_the_file_of_a_draft_without_a_slug_is_named_after_the_title(self, tmp_path: Path) -> None:
        post = PostFactory(title="Two words", slug="", status="draft", published_at=None)
        assert run(tmp_path) == [f"content/posts/drafts/post-two-words.{post.pk}.md"]

    def test_posts_with_a_password_are_drafts_that_contain_it(self, tmp_path: Path) -> None:
        """A static site can't ask readers for the password."""
        PostFactory(password='open "sesame"', published_at=DAY, slug="x")
        (name,) = run(tmp_path)
        values = read(tmp_path / name)[0]
        assert (values["draft"], values["password"]) == (True, 'open "sesame"')

    @pytest.mark.parametrize("slug", ["..", "../../x", "CON", "a:b?", "x" * 200, "مرحبا" * 30, ".hidden", "\u200b"])
    def test_every_slug_becomes_a_valid_file_name_in_the_folder(self, tmp_path: Path, slug: str) -> None:
        page = PageFactory(slug="x")
        type(page).objects.update(path=f"{slug}/{slug}")
        # Posts with a slash in their slug have no URL.
        PostFactory(slug=slug.replace("/", "-"), published_at=DAY)
        names = run(tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert len(names) == 2
        for part in "/".join(names).split("/"):
            assert len(part.encode()) < 255
            assert not set(part) & set(':*?"<>|\\')

    def test_slugs_that_differ_by_case_get_different_files(self, tmp_path: Path) -> None:
        for slug in ("a", "A"):
            PostFactory(slug=slug, published_at=DAY)
        assert len({name.lower() for name in run(tmp_path)}) == 2

    @pytest.mark.parametrize("markup", ["html", "wordpress"])
    def test_other_markups_become_html_that_markdown_does_not_change(self, tmp_path: Path, markup: str) -> None:
        source = "One *two*\n\n<pre>a\n\n    *b*\n</pre>\n\n<ul>\n\n<li>_c_</li></ul>"
        post = PostFactory(source=source, markup=markup, published_at=DAY)
        body = read(tmp_path / run(tmp_path)[0])[1]
        html = render(body, "markdown").body_html
        assert "<em>" not in html
        assert "a\n\n    *b*" in html
        assert post.auto_excerpt == render(body, "markdown").auto_excerpt

    def test_media_files_are_copied(self, tmp_path: Path, settings: Settings) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        for name in ("a.pdf", "b.mp3", "c.docx"):
            Document.objects.create(file=ContentFile(name.encode(), name=name))
        assert run(tmp_path / "out") == sorted(f"static/media/{each.file.name}" for each in Document.objects.all())

    def test_a_featured_image_is_exported_with_its_credit(self, tmp_path: Path, settings: Settings) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        picture = store_picture(picture_file())
        PostFactory(featured_picture=picture, published_at=DAY)

        def values(folder: Path) -> dict[str, Any]:
            (name,) = (name for name in run(folder) if name.endswith(".md"))
            return read(folder / name)[0]

        assert values(tmp_path / "without")["image"] == picture.file.url
        assert "image_credit" not in values(tmp_path / "again")
        picture.credit = "R. Lamp"
        picture.save()
        assert values(tmp_path / "with")["image_credit"] == "R. Lamp"

    def test_folder_that_is_not_empty_is_rejected(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("mine")
        with pytest.raises(CommandError, match="not an empty folder"):
            run(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["x"]

    def test_interrupted_export_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        PostFactory(published_at=DAY)
        monkeypatch.setattr(Hugo, "body", interrupt)
        with pytest.raises(CommandError, match="Interrupted") as caught:
            run(tmp_path / "out")
        assert caught.value.returncode == 130
        assert list(tmp_path.iterdir()) == []

    def test_other_users_of_the_machine_cannot_read_the_folder(self, tmp_path: Path) -> None:
        run(tmp_path / "out")
        assert (tmp_path / "out").stat().st_mode & 0o077 == 0


class TestComments:
    def test_approved_comments_are_in_a_data_file_of_the_same_name(self, tmp_path: Path) -> None:
        post = PostFactory(slug="a", published_at=DAY)
        first = CommentFactory(entry=post, name="Rosa", text="One < two", created_at=DAY)
        CommentFactory(entry=post, parent=first, created_at=DAY + dt.timedelta(hours=1))
        CommentFactory(entry=post, status="pending")
        run(tmp_path)
        comments = json.loads((tmp_path / "data/comments/posts/2020/01/02-a.json").read_text(encoding="utf-8"))
        assert comments[0] == {
            "id": first.pk,
            "answers": None,
            "kind": "comment",
            "name": "Rosa",
            "website": "",
            "date": "2020-01-02T03:04:05+00:00",
            "html": first.html,
        }
        assert [comment["answers"] for comment in comments] == [None, first.pk]

    def test_e_mail_addresses_are_not_exported(self, tmp_path: Path) -> None:
        # Earlier versions stored e-mail addresses in this field.
        CommentFactory(email="rosa@example.org", website="http://rosa@example.org")
        for name in run(tmp_path):
            assert "rosa@" not in (tmp_path / name).read_text(encoding="utf-8")

    def test_query_count_does_not_depend_on_the_post_count(
        self, tmp_path: Path, django_assert_max_num_queries: Any
    ) -> None:
        for _index in range(20):
            CommentFactory()
        with django_assert_max_num_queries(15):
            run(tmp_path)


class TestGenerators:
    """Each generator reads the metadata and the text in its own way."""

    @pytest.fixture
    def post(self) -> Post:
        return PostFactory(
            title="A & B: <i>c</i>",
            slug="\u0645\u0631\u062d\u0628\u0627",
            source="{{ x }} {% y %} {{< z >}}",
            published_at=DAY,
            tags=["one, two", "three; four"],
            categories=[CategoryFactory(name="First"), CategoryFactory(name="Second")],
            language="ar",
            excerpt="Two\nlines",
        )

    def test_hugo_reads_the_metadata_and_the_text(self, tmp_path: Path, post: Post) -> None:
        values, body = read(tmp_path / run(tmp_path, generator="hugo")[0])
        assert values["url"] == f"/2020/01/02/{post.slug}/"
        # Hugo would look for a shortcode `z`.
        assert "&#123;{&lt; z &gt;}}" in body
        assert "unsafe = true" in (tmp_path / "hugo.toml").read_text(encoding="utf-8")

    def test_hugo_reads_every_title_of_a_site(self, tmp_path: Path) -> None:
        title = 'R&D "é" \u0645 \U0001f389 \x7f'
        SiteSettings.objects.update(title=title)
        run(tmp_path, generator="hugo")
        assert tomllib.loads((tmp_path / "hugo.toml").read_text(encoding="utf-8"))["title"] == title

    def test_hugo_gets_markdown_as_it_was_written_unless_it_has_shortcodes(self, tmp_path: Path) -> None:
        PostFactory(source="*x* {{ y }}", published_at=DAY)
        assert read(tmp_path / run(tmp_path, generator="hugo")[0])[1] == "\n*x* {{ y }}\n"

    def test_pelican_reads_the_metadata_and_the_text(self, tmp_path: Path, post: Post) -> None:
        text = (tmp_path / run(tmp_path, generator="pelican")[0]).read_text(encoding="utf-8")
        head, _blank, body = text.partition("\n\n")
        assert dict(line.split(": ", 1) for line in head.splitlines()) == {
            "title": "A &amp; B: &lt;i&gt;c&lt;/i&gt;",
            "date": "2020-01-02T03:04:05+00:00",
            "modified": timezone.localtime(post.modified_at).isoformat(timespec="seconds"),
            "slug": post.slug,
            "url": f"2020/01/02/{post.slug}/",
            "save_as": f"2020/01/02/{post.slug}/index.html",
            "author": str(post.author),
            "status": "published",
            "lang": "ar",
            "summary": "Two lines",
            "category": "First",
            "tags": "one, two;three, four",
        }
        assert body == "{{ x }} {% y %} {{< z >}}\n"

    def test_pelican_gets_a_title_because_it_skips_posts_without_one(self, tmp_path: Path) -> None:
        PostFactory(title="", slug="a-slug", published_at=DAY)
        text = (tmp_path / run(tmp_path, generator="pelican")[0]).read_text(encoding="utf-8")
        assert text.startswith("title: a-slug\n")

    def test_eleventy_reads_the_metadata_and_the_text(self, tmp_path: Path, post: Post) -> None:
        values, body = read(tmp_path / run(tmp_path, generator="eleventy")[0])
        assert values["permalink"] == f"/2020/01/02/{post.slug}/"
        # Without these, the template language would fail at `{% y %}`.
        assert (values["templateEngineOverride"], values["dynamicPermalink"]) == ("md", False)
        assert body == "\n{{ x }} {% y %} {{< z >}}\n"

    def test_hexo_reads_the_metadata_and_the_text(self, tmp_path: Path, post: Post) -> None:
        (name,) = run(tmp_path, generator="hexo")
        values, body = read(tmp_path / name)
        assert name.startswith("source/_posts/")
        assert values["permalink"] == f"2020/01/02/{post.slug}/"
        assert values["disableNunjucks"] is True
        assert values["categories"] == [["First"], ["Second"]]
        assert body == "\n{{ x }} {% y %} {{< z >}}\n"

    @pytest.mark.parametrize("generator", GENERATORS)
    @pytest.mark.parametrize("status", ["draft", "private", "trash"])
    def test_no_generator_publishes_hidden_content(self, tmp_path: Path, generator: str, status: str) -> None:
        PostFactory(status=status, published_at=DAY)
        PageFactory(status=status)
        marks = {
            "hugo": "\ndraft: true\n",
            "pelican": "\nstatus: skip\n",
            "eleventy": "\npermalink: false\n",
            "hexo": "\ndraft: true\n",
        }
        names = run(tmp_path, generator=generator)
        assert len(names) == 2
        for name in names:
            assert marks[generator] in (tmp_path / name).read_text(encoding="utf-8")
            assert generator != "hexo" or name.startswith("source/_drafts/")

    @pytest.mark.parametrize("generator", GENERATORS)
    @pytest.mark.parametrize("slug", ["_hidden", "index", ".dot", "con", "A", "a{{b"])
    def test_no_generator_skips_a_page_because_of_its_file_name(
        self, tmp_path: Path, generator: str, slug: str
    ) -> None:
        page = PageFactory(slug="x")
        type(page).objects.update(path=slug, slug=slug)
        (name,) = run(tmp_path, generator=generator)
        assert Path(name).name == f"entry-{re.sub(r'[^a-z_]+', '-', slug.lower())}.{page.pk}.md"

    def test_a_long_slug_is_shortened_to_a_valid_file_name(self, tmp_path: Path) -> None:
        PostFactory(slug="\U0001e922" * 70, published_at=DAY)
        (name,) = run(tmp_path)
        assert len(Path(name).name.encode()) < 250

    @pytest.mark.parametrize(
        ("generator", "media", "comments"),
        [
            ("hugo", "static/media", "data/comments"),
            ("pelican", "content/media", "comments"),
            ("eleventy", "media", "_data/comments"),
            ("hexo", "source/media", "source/_data/comments"),
        ],
    )
    def test_media_and_comments_are_where_each_generator_expects_them(
        self, tmp_path: Path, settings: Settings, generator: str, media: str, comments: str
    ) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        CommentFactory(entry=PostFactory(slug="a", published_at=DAY))
        document = Document.objects.create(file=ContentFile(b"x", name="a.pdf"))
        names = run(tmp_path / "out", generator=generator)
        assert f"{media}/{document.file.name}" in names
        assert f"{comments}/posts/2020/01/02-a.json" in names
