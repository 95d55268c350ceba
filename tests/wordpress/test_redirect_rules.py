"""Redirects that editors of the old blog kept with plugins: as items, or in meta fields of posts and pages."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from blog.models import Redirect
from tests.factories.reports import remarks
from tests.factories.types import ImportParts
from tests.factories.wxr import category, exported, item, items, meta, page
from wordpress.importing.pipeline import import_export
from wordpress.importing.undo import undo_run
from wordpress.models import ImportRun

pytestmark = pytest.mark.django_db


def rule(id: int, old: str, new: str, *, regex: str = "", **values: Any) -> str:  # noqa: A002  # WordPress's name for it
    """Return a rule of Safe Redirect Manager."""
    fields = {"from": old, "to": new, "from_regex": regex, "status_code": "301"}
    inside = [meta(f"_redirect_rule_{key}", value) for key, value in fields.items()]
    usual = {"post_type": "redirect_rule", "title": f"Rule {id}", "content": "", "inside": inside}
    return item(id, **{**usual, **values})


def legacy(id: int, old: str, new: str = "", *, to: int = 0) -> str:  # noqa: A002  # WordPress's name for it
    """Return a redirect of WPCOM Legacy Redirector."""
    return item(id, post_type="vip-legacy-redirect", title=old, excerpt=new, post_parent=to, content="")


CONTENT = (category("news", id=3), item(7), page(20, post_name="about"))


class TestRules:
    @pytest.mark.parametrize(
        ("part", "old", "new"),
        [
            (rule(50, "/old-about", "/about/"), "/old-about", "/about/"),
            (rule(50, "/old-about/", "https://old.example/about"), "/old-about/", "/about/"),
            (rule(50, "/ancient/news.html", "/2014/03/01/post-7/"), "/ancient/news.html", "/2014/03/01/post-7/"),
            (rule(50, "/seven", "https://old.example/?p=7"), "/seven", "/2014/03/01/post-7/"),
            (rule(50, "/all-news/", "/category/news/"), "/all-news/", "/category/news/"),
            (legacy(50, "/old-about", "https://old.example/about/"), "/old-about", "/about/"),
            (legacy(50, "/seven", to=7), "/seven", "/2014/03/01/post-7/"),
        ],
    )
    def test_a_path_leads_to_an_entry_or_category(
        self, import_parts: ImportParts, client: Client, part: str, old: str, new: str
    ) -> None:
        report = import_parts(*CONTENT, part)
        response = client.get(old)
        assert (response.status_code, response.headers["Location"]) == (301, new)
        assert not [remark for remark in remarks(report) if "redirected" in remark]
        before = Redirect.objects.count()
        assert not import_parts(*CONTENT, part).has_changes
        assert Redirect.objects.count() == before

    @pytest.mark.parametrize(
        "part",
        [
            rule(50, "/old/*", "/about/"),
            rule(50, "/old/(.*)", "/about/", regex="1"),
            rule(50, "/old/", "https://elsewhere.example/about/"),
            rule(50, "/old/", "/nothing/"),
            rule(50, "/old/", ""),
            rule(50, "https://elsewhere.example/old/", "/about/"),
            legacy(50, "/old/", to=999),
        ],
    )
    def test_other_rules_are_noted(self, import_parts: ImportParts, part: str) -> None:
        before = set(Redirect.objects.values_list("path", flat=True))
        report = import_parts(*CONTENT, part)
        (remark,) = [remark for remark in remarks(report) if "It redirected" in remark]
        assert "old/" in remark
        paths = set(Redirect.objects.values_list("path", flat=True)) - before
        assert not [path for path in paths if "old" in path]

    def test_a_rule_that_was_not_active_is_ignored(self, import_parts: ImportParts, client: Client) -> None:
        report = import_parts(*CONTENT, rule(50, "/old-about/", "/about/", status="draft"))
        assert client.get("/old-about/").status_code == 404
        assert not [remark for remark in remarks(report) if "It redirected" in remark]

    def test_an_existing_redirect_stays(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(*CONTENT, rule(50, "/old/", "/about/"))
        import_parts(*CONTENT, rule(50, "/old/", "/2014/03/01/post-7/"))
        assert client.get("/old/").headers["Location"] == "/about/"

    def test_in_a_folder_the_paths_are_those_below_it(self, import_parts: ImportParts, client: Client) -> None:
        site = "https://old.example/blog"
        import_parts(*CONTENT, rule(50, "/blog/old/", f"{site}/about/"), site=site)
        assert client.get("/old/").headers["Location"] == "/about/"
        assert client.get("/blog/old/").headers["Location"] == "/about/"

    @pytest.mark.django_db(transaction=True)
    def test_they_are_exported_as_they_were(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(*CONTENT, rule(50, "/old/", "/about/"))
        path = exported(tmp_path)
        assert ("_redirect_rule_from", "/old/") in items(path)["redirect_rule", 50].meta
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert Redirect.objects.get(path="/old/").url == "/about/"
        assert not import_export([path]).has_changes

    @pytest.mark.django_db(transaction=True)
    def test_undoing_the_import_removes_the_redirects(self, import_parts: ImportParts) -> None:
        import_parts(*CONTENT, rule(50, "/old/", "/about/"))
        undo_run(ImportRun.objects.get())
        assert not Redirect.objects.exists()


class TestRedirectingEntries:
    @pytest.mark.parametrize("key", ["_links_to", "_pprredirect_url", "_yoast_wpseo_redirect", "redirect"])
    def test_a_page_that_redirected_is_noted(self, import_parts: ImportParts, key: str) -> None:
        report = import_parts(page(20, inside=[meta(key, "https://elsewhere.example/")]))
        expected = "Its URL redirected to https://elsewhere.example/. Here readers see the text of the item itself."
        assert f"page 20: {expected}" in remarks(report)
