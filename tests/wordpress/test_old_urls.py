"""Redirects from the URLs that objects had on the old site."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from blog.models import Post, Redirect
from blog.models.redirect import add_redirects
from tests.factories import PostFactory
from tests.factories.types import ImportParts
from tests.factories.wxr import item, meta, page
from wordpress.importing.redirects import add_missing_redirects

pytestmark = pytest.mark.django_db


class TestOldURLs:
    @pytest.mark.parametrize(
        "link",
        [
            "https://old.example/2014/03/02/other-slug/",
            "https://old.example/archives/7",
            "https://old.example/index.php/archives/7",
            "/%C3%A9/x.html",
        ],
    )
    def test_a_link_that_differs_from_the_url_becomes_a_redirect(
        self, import_parts: ImportParts, client: Client, link: str
    ) -> None:
        import_parts(item(7, link=link))
        path = link.removeprefix("https://old.example")
        assert client.get(path).headers["Location"] == "/2014/03/01/post-7/"

    def test_a_doubled_leading_slash_is_ignored(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(item(7, link="https://old.example//x/y/"), page(20, link="https://old.example//page-20/"))
        for path, target in (("/x/y/", "/2014/03/01/post-7/"), ("/%2Fx/y/", "/2014/03/01/post-7/")):
            assert client.get(path).headers["Location"] == target
        assert client.get("/%2Fpage-20/").headers["Location"] == "/page-20/"
        assert Redirect.objects.count() == 1

    @pytest.mark.parametrize(
        "link", ["https://old.example/2014/03/01/post-7/", "https://old.example//2014/03/01/post-7/"]
    )
    def test_links_that_equal_the_url_need_no_redirect(self, import_parts: ImportParts, link: str) -> None:
        import_parts(item(7, link=link), item(8, link="https://old.example/?p=8"), item(9), page(20, link="/page-20/"))
        assert not Redirect.objects.exists()

    def test_an_author_without_a_name_had_no_url(self, import_parts: ImportParts) -> None:
        import_parts(item(7, creator=""), version="1.0")
        assert not Redirect.objects.exists()

    def test_old_slugs_and_dates_become_redirects(self, import_parts: ImportParts, client: Client) -> None:
        old = [meta("_wp_old_slug", "\n%c3%a9\n"), meta("_wp_old_date", "\n2013-12-31\n")]
        import_parts(item(7, inside=old))
        for path in ("/2014/03/01/é/", "/2013/12/31/é/", "/2013/12/31/post-7/"):
            assert client.get(path).headers["Location"] == "/2014/03/01/post-7/"

    @pytest.mark.parametrize("former", ["/2012/08/a-name.html", "http://name.blogspot.com/2012/08/a-name.html"])
    def test_paths_at_blogger_become_redirects(self, import_parts: ImportParts, client: Client, former: str) -> None:
        fields = [meta("blogger_blog", "name.blogspot.com"), meta("blogger_permalink", f"\n{former}\n")]
        report = import_parts(item(7, post_name="name", inside=fields))
        assert client.get("/2012/08/a-name.html").headers["Location"] == "/2014/03/01/name/"
        assert [note.title for note in report.notes] == ["internal"]

    @pytest.mark.parametrize("slug", ["2014/3/1/a-name", "2014/03/a-name"])
    def test_the_date_in_a_slug_of_squarespace_is_not_part_of_it(
        self, import_parts: ImportParts, client: Client, slug: str
    ) -> None:
        import_parts(item(7, post_name=slug, link=f"/blog/{slug}"))
        assert Post.objects.get().get_absolute_url() == "/2014/03/01/a-name/"
        assert client.get(f"/blog/{slug}").headers["Location"] == "/2014/03/01/a-name/"

    def test_posts_of_tumblr_are_found_without_their_slugs(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(item(7, link="https://name.tumblr.com/post/123456789012/a-name"))
        for path in ("/post/123456789012/a-name", "/post/123456789012", "/post/123456789012/"):
            assert client.get(path).headers["Location"] == "/2014/03/01/post-7/"

    @pytest.mark.parametrize("query", ["source=rss-9e8d7c------2", "utm_source=rss&utm_medium=feed", "lang=ar"])
    def test_parameters_that_make_no_difference_are_ignored(
        self, import_parts: ImportParts, client: Client, query: str
    ) -> None:
        import_parts(item(7, link=f"https://medium.com/@name/a-post-1a2b3c?{query}"))
        assert client.get("/@name/a-post-1a2b3c").headers["Location"] == "/2014/03/01/post-7/"

    @pytest.mark.parametrize(
        "path",
        [
            "/spip.php?article12",
            "/index.php?post/2009/01/02/Le-titre",
            "/index.php?/archives/12-Title.html",
            "/index.php?option=com_content&view=article&id=12%3Atitle&lang=fr",
        ],
    )
    def test_scripts_of_other_programs_are_distinguished_by_their_queries(
        self, import_parts: ImportParts, client: Client, path: str
    ) -> None:
        import_parts(item(7, link=f"https://old.example{path}"), item(8, link="https://old.example/spip.php?article13"))
        for url in (path, f"{path}&fbclid=1"):
            assert client.get(url).headers["Location"] == "/2014/03/01/post-7/"
        assert client.get("/spip.php?article13").headers["Location"] == "/2014/03/01/post-8/"
        assert client.get("/spip.php?article14").status_code == client.get("/spip.php").status_code == 404
        assert client.get("/index.php?itemid=3").headers["Location"] == "/?itemid=3"

    @pytest.mark.parametrize("root", ["/", "/index.php"])
    @pytest.mark.parametrize("path", ["node/13", "blog/2009/%C3%A9lan", "13"])
    def test_posts_of_drupal_are_found_by_the_path_in_their_query(
        self, import_parts: ImportParts, client: Client, root: str, path: str
    ) -> None:
        import_parts(item(7, link=f"https://old.example{root}?q={path}"), item(8))
        for url in (f"/?q={path}", f"/?q={path}/", f"/index.php?q={path}", f"/?utm_source=a&q={path}&page=2"):
            assert client.get(url).headers["Location"] == "/2014/03/01/post-7/"
        for url in (f"/?q={path}5", "/?q=", f"/?s=word&q={path}", "/?utm_source=a", f"/?preview=true&q={path}"):
            assert client.get(url).status_code == 200
        assert client.get(f"/?q={path}&p=8").headers["Location"] == "/2014/03/01/post-8/"

    def test_urls_of_drupal_do_not_lead_to_hidden_posts(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(item(7, link="https://old.example/?q=node/13", status="private"))
        assert client.get("/?q=node/13").content == client.get("/").content

    def test_redirects_from_drupal_survive_an_export(
        self, import_parts: ImportParts, client: Client, tmp_path: Path
    ) -> None:
        import_parts(item(7, link="https://old.example/?q=node/13"))
        call_command("export_wordpress", output=tmp_path / "export.xml", verbosity=0)
        Post.objects.all().delete()
        call_command("import_wordpress", tmp_path / "export.xml", verbosity=0)
        assert client.get("/?q=node/13").headers["Location"] == "/2014/03/01/post-7/"

    @pytest.mark.parametrize("link", ["/?itemid=5", "/news/?id=5", "/#!A-title/c1x7/ABC"])
    def test_a_url_that_cannot_lead_to_its_post_is_noted(self, import_parts: ImportParts, link: str) -> None:
        report = import_parts(
            *(item(7, link=f"https://old.example{link}"), page(20, link=f"https://old.example{link}")),
            *(item(8, link="https://old.example/?p=8"), item(9, link=f"https://old.example{link}", status="draft")),
        )
        notes = [note for note in report.notes if "does not lead to it" in note.text]
        assert [(note.id, f"https://old.example{link}" in note.text) for note in notes] == [(20, True), (7, True)]
        assert not Redirect.objects.exists()

    def test_scripts_do_not_lead_to_hidden_posts(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(item(7, link="https://old.example/spip.php?article12", status="private"))
        assert client.get("/spip.php?article12").status_code == 404

    def test_redirects_of_scripts_survive_an_export(
        self, import_parts: ImportParts, client: Client, tmp_path: Path
    ) -> None:
        import_parts(item(7, link="https://old.example/spip.php?article12"))
        call_command("export_wordpress", output=tmp_path / "export.xml", verbosity=0)
        Post.objects.all().delete()
        call_command("import_wordpress", tmp_path / "export.xml", verbosity=0)
        assert client.get("/spip.php?article12").headers["Location"] == "/2014/03/01/post-7/"

    def test_an_existing_redirect_is_kept(self, import_parts: ImportParts) -> None:
        mine = PostFactory()
        add_redirects([("/x/", mine)])
        import_parts(item(7, link="https://old.example/x/"))
        assert Redirect.objects.get(path="/x/").entry == mine

    def test_an_existing_redirect_with_a_non_ascii_path_is_kept(self) -> None:
        mine = PostFactory()
        add_redirects([("/é/", mine)])
        assert add_missing_redirects([("https://old.example/%C3%A9/", PostFactory())]) == []
        assert Redirect.objects.get(path="/é/").entry == mine

    def test_a_deleted_redirect_is_not_created_again(self, import_parts: ImportParts) -> None:
        import_parts(item(7, link="/x/"))
        Redirect.objects.all().delete()
        import_parts(item(7, link="/x/"))
        assert not Redirect.objects.exists()

    def test_the_number_of_redirects_for_one_post_is_limited(self, import_parts: ImportParts) -> None:
        old = [meta(key, f"2013-{n}") for n in range(500) for key in ("_wp_old_slug", "_wp_old_date")]
        import_parts(item(7, inside=old))
        assert Post.objects.count() == 1
        assert Redirect.objects.count() <= 200
