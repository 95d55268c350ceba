"""Addresses that the export says its things had."""

import pytest
from django.test import Client

from blog.models import Post, Redirect
from blog.models.redirect import add_redirects
from tests.factories import PostFactory
from tests.factories.types import Bring
from tests.factories.wxr import item, meta, page

pytestmark = pytest.mark.django_db


class TestFormerAddresses:
    @pytest.mark.parametrize(
        "link", ["https://old.example/2014/03/02/other-slug/", "https://old.example/archives/7", "/%C3%A9/x.html"]
    )
    def test_a_link_that_is_not_the_address_leads_here(self, bring: Bring, client: Client, link: str) -> None:
        bring(item(7, link=link))
        path = link.removeprefix("https://old.example")
        assert client.get(path).headers["Location"] == "/2014/03/01/post-7/"

    def test_a_doubled_slash_in_front_is_no_part_of_it(self, bring: Bring, client: Client) -> None:
        bring(item(7, link="https://old.example//x/y/"), page(20, link="https://old.example//page-20/"))
        for path, leads_to in (("/x/y/", "/2014/03/01/post-7/"), ("/%2Fx/y/", "/2014/03/01/post-7/")):
            assert client.get(path).headers["Location"] == leads_to
        assert client.get("/%2Fpage-20/").headers["Location"] == "/page-20/"
        assert Redirect.objects.count() == 1

    @pytest.mark.parametrize(
        "link", ["https://old.example/2014/03/01/post-7/", "https://old.example//2014/03/01/post-7/"]
    )
    def test_what_is_the_address_needs_no_row(self, bring: Bring, link: str) -> None:
        bring(item(7, link=link), item(8, link="https://old.example/?p=8"), item(9), page(20, link="/page-20/"))
        assert not Redirect.objects.exists()

    def test_old_slugs_and_dates_of_wordpress(self, bring: Bring, client: Client) -> None:
        old = [meta("_wp_old_slug", "%c3%a9"), meta("_wp_old_date", "2013-12-31")]
        bring(item(7, inside=old))
        for path in ("/2014/03/01/é/", "/2013/12/31/é/", "/2013/12/31/post-7/"):
            assert client.get(path).headers["Location"] == "/2014/03/01/post-7/"

    def test_an_address_that_leads_somewhere_here_stays(self, bring: Bring) -> None:
        mine = PostFactory()
        add_redirects([("/x/", mine)])
        bring(item(7, link="https://old.example/x/"))
        assert Redirect.objects.get(path="/x/").entry == mine

    def test_one_deleted_here_does_not_come_again(self, bring: Bring) -> None:
        bring(item(7, link="/x/"))
        Redirect.objects.all().delete()
        bring(item(7, link="/x/"))
        assert not Redirect.objects.exists()

    def test_no_number_of_old_slugs_is_too_large(self, bring: Bring) -> None:
        old = [meta(kind, f"2013-{number}") for number in range(500) for kind in ("_wp_old_slug", "_wp_old_date")]
        bring(item(7, inside=old))
        assert Post.objects.count() == 1
        assert Redirect.objects.count() <= 200
