"""The search page, its feed, its suggestions and its other URLs."""

import datetime as dt
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lxml import etree
from pytest_django import Settings

from blog.models import Post
from core.changes import entries_changed
from core.models import SiteSettings
from search.finding import find_entries
from tags.models import FormerName, TagAlias
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, at
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db
YEARS = ("2015", "2016", "2017", "2018")


def page(client: Client, query: str, path: str = "/") -> str:
    response = client.get(path, query_params={"s": query})
    assert response.status_code == 200
    return response.content.decode()


class TestResults:
    def test_show_posts_and_pages_with_marked_excerpts(self, client: Client) -> None:
        PostFactory(title="Lanterns & lamps", source="The **harbour** has a lantern.", published_at=at(2019, 10, 22))
        PageFactory(title="About", source="A lantern.", slug="about")
        content = page(client, "lantern")
        assert "<h1>Search Results</h1>" in content
        assert "<mark>Lanterns</mark> &amp; lamps" in content
        assert "The harbour has a <mark>lantern</mark>." in content
        assert 'href="/2019/10/22/lanterns-lamps/"' in content
        assert "October 22, 2019" in content
        assert 'href="/about/"' in content
        assert "2 posts and pages found." in content
        assert "<title>Search results for “lantern” – " in content

    @pytest.mark.parametrize(
        ("source", "excerpt"),
        [
            ("## Ms. A\n\nShe has a lantern.", "Ms. A – She has a <mark>lantern</mark>."),
            ("It burned.\n\n## The lantern", "It burned. The <mark>lantern</mark></p>"),
            ("<h2></h2><p>A lantern.</p>", ">A <mark>lantern</mark>."),
        ],
    )
    def test_headings_are_set_apart_from_the_text_around_them(self, client: Client, source: str, excerpt: str) -> None:
        PostFactory(source=source, markup="markdown")
        assert excerpt in page(client, "lantern")

    def test_html_that_is_cut_off_at_the_search_limit_is_not_shown(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("search.results.MAX_SEARCHED", 20)
        PostFactory(source="A [link](https://a.example/lantern/lantern/) to a lantern")
        content = page(client, "lantern")
        assert "A link to a <mark>lantern</mark>" in content
        assert "&lt;a" not in content

    def test_the_query_is_escaped_everywhere(self, client: Client) -> None:
        PostFactory(source="<b>script</b> alert")
        for query in ('"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", 'tag:"<script>"'):
            for content in (page(client, query), page(client, f"script {query}")):
                assert "<script>" not in content
                assert "<img src=x" not in content

    def test_search_engines_are_told_not_to_index_results(self, client: Client) -> None:
        assert client.get("/", query_params={"s": "x"}).headers["X-Robots-Tag"] == "noindex"

    def test_further_pages_keep_the_query_and_end_with_the_results(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_page=2)
        for number in range(5):
            PostFactory(title=f"Lantern {number}")
        assert 'href="/page/2/?s=lantern"' in page(client, "lantern")
        first = page(client, "lantern")
        second = page(client, "lantern", "/page/2/")
        shown = [number for number in range(5) for content in (first, second) if f"</mark> {number}" in content]
        assert len(set(shown)) == len(shown) == 4
        assert client.get("/page/4/", query_params={"s": "lantern"}).status_code == 404
        assert client.get("/page/1/", query_params={"s": "lantern"}).headers["Location"] == "/?s=lantern"

    def test_results_beyond_the_limit_are_neither_counted_nor_linked(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("search.views.find_entries", partial(find_entries, limit=4))
        SiteSettings.objects.update(entries_per_page=2)
        PostFactory.create_batch(5, title="Lantern")
        content = page(client, "lantern")
        assert "More than 4 posts and pages found. These match best." in content
        assert "/page/2/" in content
        assert "/page/3/" not in content
        assert client.get("/page/3/", query_params={"s": "lantern"}).status_code == 404
        newest = client.get("/", query_params={"s": "lantern", "sort": "newest"}).content.decode()
        assert "More than 4 posts and pages found. These are the newest ones." in newest

    def test_can_be_sorted_by_date(self, client: Client) -> None:
        PostFactory(title="Lantern", published_at=at(2018, 1, 1))
        PostFactory(title="Other", source="A lantern", published_at=at(2019, 1, 1))
        content = client.get("/", query_params={"s": "lantern", "sort": "newest"}).content.decode()
        assert content.index("Other</a>") < content.index("<mark>Lantern</mark></a>")

    def test_include_matching_tags(self, client: Client) -> None:
        PostFactory(title="One", tags=["Lantern makers", "other"])
        content = page(client, "lantern")
        assert "<mark>Lantern</mark> makers</a>" in content
        assert content.count("/tag/lantern-makers/") == 1

    def test_can_be_narrowed_down_by_tag_category_and_year(self, client: Client) -> None:
        courts = CategoryFactory(name="Courts")
        PostFactory(title="Lantern 1", tags=["alpha"], categories=[courts], published_at=at(2018, 1, 1))
        PostFactory(title="Lantern 2", tags=["alpha", "beta"], published_at=at(2019, 1, 1))
        assert 'href="/?s=lantern&amp;narrow=1"' in page(client, "lantern")
        content = client.get("/", query_params={"s": "lantern", "narrow": "1"}).content.decode()
        assert 'href="/?s=tag%3Abeta+lantern"' in content
        assert 'href="/?s=category%3Acourts+lantern"' in content
        assert 'href="/?s=after%3A2018+before%3A2019+lantern"' in content
        # Every result has this tag, so it narrows nothing down.
        assert "tag%3Aalpha" not in content
        assert "1 post or page found." in page(client, "after:2018 before:2019 lantern")

    @pytest.mark.parametrize("typed", ["lant", '"lantern maker', "lantern " * 12, "lantern after:2014 before:2030"])
    def test_narrowing_down_finds_as_many_results_as_announced(self, client: Client, typed: str) -> None:
        awards = CategoryFactory(name="Awards")
        laureates = CategoryFactory(name="laureates", parent=awards)
        filed = [awards, laureates, laureates, CategoryFactory(name="Courts")]
        for year, category in zip(YEARS, filed, strict=True):
            tag = "beta" if category == awards else "alpha"
            PostFactory(title="Lantern maker", tags=[tag], categories=[category], published_at=at(int(year), 1, 1))
        results = read(client.get("/", query_params={"s": typed, "narrow": "1"}))
        counted = {}
        for link in find(results, ".search-facets a"):
            name, count = link.text_content().removesuffix(")").split(" (")
            counted[name] = int(count)
            summary = text(one(read(client.get(link.get("href"))), ".search-summary"))
            assert summary.startswith(f"{count} post"), link.get("href")
        assert counted == {"alpha": 3, "beta": 1, "Awards": 3, "laureates": 2, "Courts": 1} | dict.fromkeys(YEARS, 1)

    def test_comments_show_author_and_date_in_the_format_of_the_site_language(
        self, client: Client, settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = "ar"
        CommentFactory(text="A lantern.", name="Amina", entry=PostFactory())
        content = client.get("/", query_params={"s": "lantern", "kind": "comments"}).content.decode()
        assert "<bdi>Amina</bdi>، <time" in content

    def test_comments_have_a_tab(self, client: Client) -> None:
        comment = CommentFactory(text="A lantern & more", name="Rosa", entry=PostFactory(title="A post"))
        content = client.get("/", query_params={"s": "lantern", "kind": "comments"}).content.decode()
        assert "A <mark>lantern</mark> &amp; more" in content
        assert f"#comment-{comment.pk}" in content
        assert "<bdi>Rosa</bdi>" in content
        assert "@example.org" not in content

    def test_an_empty_search_asks_for_words(self, client: Client) -> None:
        content = page(client, "")
        assert "Type what you are looking for." in content
        assert "Search tips" in content

    @pytest.mark.parametrize("number", [3, 30])
    def test_the_number_of_queries_is_fixed(self, client: Client, number: int) -> None:
        for index in range(number):
            PostFactory(title=f"Lantern {index}", tags=[f"lantern {index % 3}", "b"])
        page(client, "lantern")
        with CaptureQueriesContext(connection) as queries:
            page(client, "lantern")
        assert len(queries) <= 6


class TestNothingFound:
    def test_the_page_says_so_and_keeps_the_query(self, client: Client) -> None:
        content = page(client, "lantern")
        assert "<h1>Not Found</h1>" in content
        assert "Nothing was found for “<bdi>lantern</bdi>”" in content
        assert 'value="lantern"' in content

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("lanten", "lantern"),
            ("lnatern", "lantern"),
            ("lanterm harbour", "lantern harbour"),
            ("права", ""),
            ("2081", ""),
        ],
    )
    def test_a_correction_is_suggested_for_a_misspelt_word(self, client: Client, typed: str, meant: str) -> None:
        PostFactory(source="A lantern in the harbour of 2018")
        content = page(client, typed)
        assert ("Did you mean" in content) == bool(meant)
        if meant:
            assert f"<bdi>{meant}</bdi>" in content

    def test_words_of_hidden_posts_are_never_suggested(self, client: Client) -> None:
        PostFactory(source="Zanzibar", status="draft")
        PostFactory(source="Zanzibar", password="x")
        assert "Did you mean" not in page(client, "zanzibr")

    def test_results_with_some_of_the_words_are_shown_instead(self, client: Client) -> None:
        PostFactory(title="Lantern")
        content = page(client, "lantern makers")
        assert "No post or page has all of these words." in content
        assert "<mark>Lantern</mark>" in content

    def test_problems_with_the_query_are_explained(self, client: Client) -> None:
        assert "There is no tag called “x”." in page(client, "tag:x")
        assert "Only the first 12 words" in page(client, "word " * 20)


class TestNamesOfHiddenPosts:
    """A tag or category that only hidden posts have looks like one that doesn't exist, under each of its names."""

    UNKNOWN = "xanzibar"

    @pytest.fixture(params=["draft", "pending", "private", "trash", "scheduled"])
    def hidden(self, request: pytest.FixtureRequest) -> Post:
        PostFactory(title="Lantern", tags=["b"], categories=[CategoryFactory(name="filed")])
        is_scheduled = request.param == "scheduled"
        state = {"published_at": timezone.now() + dt.timedelta(days=9)} if is_scheduled else {"status": request.param}
        category = CategoryFactory(name="zanzibar", parent=CategoryFactory(name="zanzibar-top"))
        post: Post = PostFactory(tags=["zanzibar"], categories=[category], **state)
        tag = post.tags.get()
        TagAlias.objects.create(slug="zanzibar-slug", tag=tag)
        FormerName.objects.give({"Zanzibar before": tag.pk})
        return post

    @pytest.mark.parametrize(
        "query",
        [
            "tag:{}",
            "tag:{}-slug",
            'tag:"{} before"',
            "lantern tag:{}",
            "lantern makers tag:{}",
            "lantern -tag:{}",
            "category:{}",
            "category:{}-top",
            "lantern makers category:{}",
            "lantern -category:{}",
        ],
    )
    def test_look_like_unknown_names(self, client: Client, hidden: Post, query: str) -> None:
        shown = [page(client, query.format(name)).replace(name, "") for name in ("zanzibar", self.UNKNOWN)]
        assert shown[0] == shown[1]
        assert "There is no " in shown[0]

    def test_are_found_once_a_post_is_public(self, client: Client, hidden: Post) -> None:
        Post.objects.filter(pk=hidden.pk).update(title="Free at last", status="published", published_at=at(2020, 1, 1))
        entries_changed([hidden.pk])
        found_by = ("tag:zanzibar", "tag:zanzibar-slug", 'tag:"zanzibar before"')
        for query in (*found_by, "category:zanzibar", "category:zanzibar-top"):
            assert "Free at last" in page(client, query), query


class TestOtherUrls:
    @pytest.mark.parametrize(
        ("path", "target"),
        [
            ("/search/star/", "/?s=star"),
            ("/search/star+power/", "/?s=star+power"),
            ("/search/star/page/2/", "/page/2/?s=star"),
        ],
    )
    def test_the_search_permalinks_of_wordpress_redirect(self, client: Client, path: str, target: str) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        PostFactory.create_batch(2, title="Star power")
        response = client.get(path)
        assert (response.status_code, response.headers["Location"]) == (301, target)

    def test_the_feed_contains_matching_posts_newest_first(self, client: Client) -> None:
        PostFactory(title="Lantern one", published_at=at(2018, 1, 1))
        PostFactory(title="Lantern two", published_at=at(2019, 1, 1))
        PostFactory(title="Other")
        feed = etree.fromstring(client.get("/search/lantern/feed/").content)
        assert feed.xpath("//item/title/text()") == ["Lantern two", "Lantern one"]
        assert client.get("/search/lantern/feed/atom/").status_code == 200
        assert 'href="/search/lantern/feed/"' in page(client, "lantern")

    def test_opensearch_describes_the_search_to_browsers(self, client: Client) -> None:
        response = client.get("/opensearch.xml")
        assert response.headers["Content-Type"].startswith("application/opensearchdescription+xml")
        url: Any = etree.fromstring(response.content).find("{*}Url")
        assert url.get("template") == "http://testserver/?s={searchTerms}"
        assert 'rel="search"' in client.get("/").content.decode()

    @pytest.mark.parametrize("path", ["/", "/nothing/"])
    def test_the_form_is_in_the_sidebar_and_on_the_404_page(self, client: Client, path: str) -> None:
        forms = client.get(path).content.decode().count('role="search"')
        assert forms == (2 if path == "/nothing/" else 1)


class TestSuggestions:
    @staticmethod
    def suggested(client: Client, typed: str) -> list[dict[str, str]]:
        response = client.get("/search/suggestions.json", query_params={"q": typed})
        found: list[dict[str, str]] = response.json()["suggestions"]
        return found

    def test_contain_posts_pages_and_tags(self, client: Client) -> None:
        PostFactory(title="Lanterns", published_at=at(2019, 10, 22), tags=["Lantern makers", "Old lanterns"])
        PageFactory(title="About", source="The lantern.", slug="about")
        assert self.suggested(client, "lant") == [
            {"title": "Lanterns", "url": "/2019/10/22/lanterns/"},
            {"title": "About", "url": "/about/"},
            {"title": "Lantern makers", "url": "/tag/lantern-makers/", "kind": "tag"},
        ]

    def test_contain_no_tags_without_public_posts(self, client: Client) -> None:
        PostFactory(status="draft", tags=["Lantern makers"])
        assert self.suggested(client, "lant") == []

    @pytest.mark.parametrize("typed", ["", "  ", '"', "-x", "\0", "🎉", "%"])
    def test_are_empty_for_input_without_words(self, client: Client, typed: str) -> None:
        assert self.suggested(client, typed) == []

    def test_the_number_of_queries_is_fixed(self, client: Client) -> None:
        for index in range(20):
            PostFactory(title=f"Lantern {index}", tags=[f"lantern {index}"])
        self.suggested(client, "lantern")
        with CaptureQueriesContext(connection) as queries:
            assert len(self.suggested(client, "lantern")) == 8
        assert len(queries) <= 5
