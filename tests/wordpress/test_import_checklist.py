"""The checklist after an import: the remaining tasks according to the export and this site's settings."""

import datetime as dt
import io
import json
import zoneinfo
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from tests.factories import UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.import_jobs import export_file, start
from tests.factories.types import ImportParts, Uploaded, Work
from tests.factories.wxr import attachment, author, export, filed, item, meta, page, term, write
from wordpress.importing.checklist import Point, PointState, checklist
from wordpress.importing.report import OldBlog
from wordpress.importing.time_zones import TimeSamples
from wordpress.models import Attachment, ImportJob

pytestmark = pytest.mark.django_db

TO_DO, LOOK, DONE = PointState.TO_DO, PointState.LOOK, PointState.DONE


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.SITE_URL, settings.SITE_HOST = "https://new.example", "new.example"
    settings.BROADSIDE_FORMER_HOSTS = []
    settings.BROADSIDE_FORMER_FOLDER = ""


def points(blog: OldBlog | None) -> dict[str, Point]:
    assert blog is not None
    return {point.name: point for point in checklist(blog)}


def times_in(zone: str, *months: int) -> list[list[Any]]:
    """Return the post times of a blog in this time zone, with one post in each of these months of 2014."""
    samples = TimeSamples()
    for month in months or range(1, 13):
        local = dt.datetime(2014, month, 10, 12, 0)
        samples.add(local, zoneinfo.ZoneInfo(zone).utcoffset(local))  # type: ignore[arg-type]  # every zone has one
    return samples.to_json()


class TestPoints:
    def test_small_blog_has_only_the_points_that_apply(self, import_parts: ImportParts) -> None:
        names = [*points(import_parts(item(7)).blog)]
        assert names == ["View the blog", "Title and tagline", "Time zone", "Authors' accounts", "The domain"]

    def test_rich_blog_has_all_points_in_order(self, import_parts: ImportParts) -> None:
        report = import_parts(
            term("nav_menu", "main", "Main"),
            *(item(n, guid=f"https://name.wordpress.com/blog/?p={n}") for n in (7, 8)),
            item(40, post_type="nav_menu_item", inside=[filed("nav_menu", "main", "Main")]),
            attachment(30),
            site="https://old.example/blog",
            language="en-US",
        )
        assert [(name, point.state) for name, point in points(report.blog).items()] == [
            ("View the blog", LOOK),
            ("Title and tagline", DONE),
            ("Time zone", DONE),
            ("Language", DONE),
            ("Former hosts", TO_DO),
            ("Former folder", DONE),
            ("Authors' accounts", LOOK),
            ("Menus", LOOK),
            ("Media files", TO_DO),
            ("The domain", LOOK),
        ]

    def test_interrupted_import_has_no_checklist(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("wordpress.importing.pipeline.import_files", interrupt)
        assert import_parts(item(7)).blog is None


class TestTimeZone:
    @pytest.mark.parametrize(
        ("here", "there", "state", "part"),
        [
            ("UTC", "UTC", DONE, "which is UTC, matches"),
            ("Europe/Berlin", "Europe/Amsterdam", DONE, "which is Europe/Berlin, matches"),
            ("Europe/Berlin", "UTC", TO_DO, "TIME_ZONE from Europe/Berlin to UTC."),
            ("UTC", "Asia/Kathmandu", TO_DO, "TIME_ZONE from UTC to Asia/Kathmandu."),
            # Several zones have this offset, so the text names the offset.
            ("UTC", "Europe/Amsterdam", TO_DO, "time was UTC+01:00 / UTC+02:00."),
            ("UTC", "America/Denver", TO_DO, "time was UTC−07:00 / UTC−06:00."),
            ("UTC", "Europe/London", TO_DO, "time was UTC / UTC+01:00."),
        ],
    )
    def test_setting_is_compared_with_the_times_of_posts(
        self, settings: Settings, here: str, there: str, state: PointState, part: str
    ) -> None:
        settings.TIME_ZONE = here
        times = times_in(there)
        point = points(OldBlog(times=times, zone=TimeSamples.from_json(times).find_zone()))["Time zone"]
        assert point.state == state
        assert part in point.text

    def test_changed_time_zone_of_the_blog_has_to_be_looked_at(self, settings: Settings) -> None:
        settings.TIME_ZONE = "UTC"
        times = times_in("UTC") + times_in("Asia/Tokyo", 1, 2, 3)
        assert points(OldBlog(times=times))["Time zone"].state == LOOK

    def test_import_finds_the_zone(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, post_date="2014-03-01 15:15:00"))
        assert report.blog is not None
        assert report.blog.zone == "Asia/Kathmandu"

    @given(st.lists(st.tuples(st.datetimes(), st.timedeltas(dt.timedelta(hours=-15), dt.timedelta(hours=15)))))
    def test_any_times_can_be_stored_in_the_report(self, times: list[tuple[dt.datetime, dt.timedelta]]) -> None:
        samples = TimeSamples()
        for local, offset in times:
            samples.add(local, dt.timedelta(seconds=offset // dt.timedelta(seconds=1)))
        assert TimeSamples.from_json(json.loads(json.dumps(samples.to_json()))) == samples
        assert len(samples.offsets) <= 2

    @pytest.mark.parametrize("local", [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)])
    @pytest.mark.parametrize("hours", [-15, 15])
    def test_impossible_times_fit_no_zone(self, local: dt.datetime, hours: int) -> None:
        samples = TimeSamples()
        samples.add(local, dt.timedelta(hours=hours))
        assert samples.find_zone() == ""
        assert points(OldBlog(times=samples.to_json()))["Time zone"].state == TO_DO


class TestLanguage:
    @pytest.mark.parametrize(
        ("here", "exported", "texts", "state", "part"),
        [
            ("en", "en-US", "en", DONE, "LANGUAGE_CODE, which is en, matches"),
            ("en-gb", "en", "", DONE, "which is en-gb, matches"),
            ("zh-hant", "", "zh", DONE, "which is zh-hant, matches"),
            ("en", "nl-NL", "nl", TO_DO, "Dutch. Change the setting LANGUAGE_CODE from en to nl."),
            ("en", "", "ar", TO_DO, "Arabic. Change the setting LANGUAGE_CODE from en to ar."),
            ("pt", "pt-BR", "pt", TO_DO, "from pt to pt-br."),
            ("en", "zh-CN", "", TO_DO, "from en to zh-hans."),
            # Many blogs are written in another language than their menus.
            (
                "en",
                "en",
                "fa",
                LOOK,
                "Persian. If that is true of the whole blog, change the setting LANGUAGE_CODE from",
            ),
            ("fa", "en", "fa", DONE, "which is fa, matches"),
        ],
    )
    def test_setting_is_compared_with_the_blog_and_its_texts(
        self, settings: Settings, here: str, exported: str, texts: str, state: PointState, part: str
    ) -> None:
        settings.LANGUAGE_CODE = here
        point = points(OldBlog(language=exported, text_language=texts))["Language"]
        assert point.state == state
        assert part in point.text

    @pytest.mark.parametrize("exported", ["", "xx", "x" * 50, "<b>", "\u202een"])
    def test_unknown_language_is_left_out(self, exported: str) -> None:
        assert "Language" not in points(OldBlog(language=exported))

    def test_import_finds_the_language_of_most_texts(self, import_parts: ImportParts) -> None:
        dutch = "De mensen in dit land hebben het recht om hun mening te geven, en dat moet zo blijven."
        report = import_parts(*(item(n, content=dutch, title="Vandaag") for n in (7, 8)), item(9), language="en")
        assert report.blog is not None
        assert (report.blog.language, report.blog.text_language) == ("en", "nl")


class TestFormerURLs:
    @pytest.mark.parametrize(
        ("former", "state", "part"),
        [
            ([], TO_DO, "FORMER_HOSTS=name.wordpress.com so"),
            (["older.example"], TO_DO, "FORMER_HOSTS=older.example,name.wordpress.com so"),
            (["name.wordpress.com"], DONE, "had: name.wordpress.com."),
        ],
    )
    def test_hosts_are_compared_with_the_setting(
        self, settings: Settings, former: list[str], state: PointState, part: str
    ) -> None:
        settings.BROADSIDE_FORMER_HOSTS = former
        blog = OldBlog(url="https://new.example", hosts=["name.wordpress.com", "new.example"])
        point = points(blog)["Former hosts"]
        assert point.state == state
        assert part in point.text

    def test_domain_with_www_is_a_former_host(self) -> None:
        blog = OldBlog(url="https://www.new.example", hosts=["www.new.example"])
        assert "FORMER_HOSTS=www.new.example so" in points(blog)["Former hosts"].text

    def test_network_of_the_blog_is_not_a_former_host(self, import_parts: ImportParts) -> None:
        network = "<wp:base_site_url>https://wordpress.com/</wp:base_site_url>"
        report = import_parts(network, item(7, guid="https://new.example/?p=7"), site="https://new.example")
        assert "Former hosts" not in points(report.blog)

    def test_folder_without_a_redirect_needs_the_setting(self, settings: Settings) -> None:
        point = points(OldBlog(folder="/blog/"))["Former folder"]
        assert point.state == TO_DO
        assert "FORMER_FOLDER=blog so" in point.text
        settings.BROADSIDE_FORMER_FOLDER = "/blog/"
        assert points(OldBlog(folder="/blog/"))["Former folder"].state == DONE


class TestAuthors:
    def test_authors_without_a_password_or_passkey_are_counted(self, import_parts: ImportParts) -> None:
        UserFactory(username="other").set_unusable_password()
        blog = import_parts(item(7), authors=[author("anna", id=1), author("ben", id=2)]).blog
        assert "2 imported authors can't log in yet." in points(blog)["Authors' accounts"].text
        anna, ben = User.objects.order_by("username").filter(username__in=["anna", "ben"])
        anna.set_password("a long password")
        anna.save()
        assert "1 imported author can't log in yet." in points(blog)["Authors' accounts"].text
        Authenticator.objects.create(user=ben, type=Authenticator.Type.WEBAUTHN, data={})
        assert points(blog)["Authors' accounts"].state == DONE


class TestFiles:
    @pytest.mark.parametrize(
        ("missing", "gone", "state", "part"),
        [
            (3, 1, TO_DO, "2 files are not here yet."),
            (1, 1, LOOK, "1 file is gone from the old site."),
            (0, 0, DONE, "All 5 files are here."),
        ],
    )
    def test_files_are_counted(self, missing: int, gone: int, state: PointState, part: str) -> None:
        point = points(OldBlog(files=5, missing_files=missing, gone_files=gone))["Media files"]
        assert point.state == state
        assert part in point.text

    def test_import_counts_the_files_of_this_blog(self, import_parts: ImportParts) -> None:
        Attachment.objects.create(site="https://other.example", url="https://other.example/b.png", path="/b.png")
        blog = import_parts(item(7), attachment(30), attachment(31, "2014/03/b.png")).blog
        assert blog is not None
        assert (blog.files, blog.missing_files, blog.gone_files) == (2, 2, 0)


class TestDomain:
    @pytest.mark.parametrize(
        ("url", "part"),
        [
            ("", "Then point the domain of the blog to this server."),
            ("https://new.example", "Then point new.example to this server."),
            ("https://name.wordpress.com", "buy the redirect from name.wordpress.com to new.example"),
            ("https://old.example", "set SITE_URL=https://old.example."),
        ],
    )
    def test_the_last_step_depends_on_the_hosts(self, url: str, part: str) -> None:
        text = points(OldBlog(url=url, hosts=["old.example"]))["The domain"].text
        assert "verify_import" in text
        assert part in text


class TestCommand:
    def test_the_checklist_is_at_the_end_of_the_output(self, tmp_path: Path) -> None:
        out = io.StringIO()
        call_command("import_wordpress", str(write(tmp_path, export(item(7)))), stdout=out, stderr=io.StringIO())
        end = out.getvalue().partition("Checklist:")[2]
        assert "[To check] View the blog: Open https://new.example/" in end
        assert "[Done] Title and tagline: This site has the title of the old blog, “Old”." in end


class TestPage:
    @pytest.fixture
    def job(self, uploaded: Uploaded, work: Work) -> ImportJob:
        client = client_of(user_in_role("superuser"))
        job = uploaded(client, export_file(export(item(7), attachment(30), site="https://old.example/blog")))
        start(client, job, "import")
        work()
        job.refresh_from_db()
        return job

    def test_shows_each_point_with_its_state_and_a_link(self, job: ImportJob) -> None:
        content = client_of(user_in_role("superuser")).get(job.get_absolute_url()).content.decode()
        shown = " ".join(
            content.partition('<ul class="import-checklist" role="list" aria-labelledby="checklist">')[2].split()
        )
        assert '<h3> Time zone <span class="import-point done">Done</span> </h3>' in shown
        assert '<h3> Media files <span class="import-point to-do">To do</span> </h3>' in shown
        for url in ("/", "/admin/core/sitesettings/", "/admin/blog/redirect/", "/admin/accounts/user/"):
            assert f'<a href="{url}">' in shown

    def test_links_only_to_pages_that_the_user_may_open(self, job: ImportJob) -> None:
        user = UserFactory(is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="import_wordpress"))
        content = client_of(user).get(job.get_absolute_url()).content.decode()
        shown = content.partition("import-checklist")[2]
        assert "/admin/wordpress/importjob/add/" in shown
        for url in ("/admin/core/sitesettings/", "/admin/blog/redirect/", "/admin/accounts/user/"):
            assert f'<a href="{url}">' not in shown

    def test_takes_a_fixed_number_of_queries(
        self, job: ImportJob, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = client_of(user_in_role("superuser"))
        client.get(job.get_absolute_url())
        with django_assert_max_num_queries(9):
            client.get(job.get_absolute_url())

    def test_report_of_an_earlier_version_has_no_checklist(self, job: ImportJob) -> None:
        del job.report["blog"], job.report["taken_settings"]
        job.save()
        response = client_of(user_in_role("superuser")).get(job.get_absolute_url())
        assert response.status_code == 200
        assert "import-checklist" not in response.content.decode()

    def test_undone_import_has_no_checklist(self, job: ImportJob, work: Work) -> None:
        client = client_of(user_in_role("superuser"))
        client.post(f"{job.get_absolute_url().removesuffix('change/')}undo/")
        work()
        content = client.get(job.get_absolute_url()).content.decode()
        assert "import-checklist" not in content
        assert "site setting" in content


class TestEverydayWords:
    """Users read the terms of WordPress's interface, and only programs read the names of its tables and types."""

    PARTS = (
        term("nav_menu", "main", "Main"),
        term("post_format", "post-format-aside", "Aside"),
        item(7, guid="x" * 1000, inside=[meta("colour", "red"), filed("post_format", "post-format-aside", "Aside")]),
        page(20, content='<img src="https://old.example/wp-content/uploads/a.png">'),
        item(40, post_type="nav_menu_item"),
        *(
            item(50 + n, post_type=kind)
            for n, kind in enumerate(["wp_navigation", "wp_global_styles", "wp_template_part", "oembed_cache"])
        ),
        attachment(30),
        attachment(0),
    )
    NAMES = ("nav_menu_item", "wp_", "oembed_", "GUID", "guid", "taxonomy", "postmeta", "attachment")

    def test_the_command_uses_them_and_its_report_uses_internal_names(self, tmp_path: Path) -> None:
        out, target = io.StringIO(), tmp_path / "report.json"
        path = write(tmp_path, export(*self.PARTS))
        call_command("import_wordpress", str(path), report=target, stdout=out, stderr=io.StringIO())
        assert "1 × menu link: " in out.getvalue()
        assert "part of a theme template" in out.getvalue()
        assert [name for name in self.NAMES if name in out.getvalue()] == []
        counts = json.loads(target.read_text())["counts"]
        assert {"nav_menu_item", "wp_navigation", "wp_template_part", "attachment", "other term"} <= counts.keys()

    def test_the_page_uses_them_before_and_after_the_import(self, uploaded: Uploaded, work: Work) -> None:
        client = client_of(user_in_role("superuser"))
        job = uploaded(client, export_file(export(*self.PARTS)))
        for step in ("preview", "import"):
            content = client.get(job.get_absolute_url()).content.decode()
            assert "menu link" in content
            assert [name for name in self.NAMES if name in content] == []
            start(client, job, step)
            work()
        content = client.get(job.get_absolute_url()).content.decode()
        assert "1 × menu link: " in content
        assert [name for name in self.NAMES if name in content] == []
