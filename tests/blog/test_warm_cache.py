"""`manage.py warm_cache`: the pages that readers open first are cached before they are requested."""

from io import StringIO
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.test.utils import override_settings

from blog.caching import warming
from tests.factories import CategoryFactory, PageFactory, PostFactory, at
from tests.factories.reader import Reader

pytestmark = pytest.mark.django_db(transaction=True)


def run(**options: int) -> str:
    output = StringIO()
    call_command("warm_cache", stdout=output, stderr=StringIO(), **options)
    return output.getvalue()


def test_readers_get_the_pages_that_it_rendered() -> None:
    PageFactory(title="About")
    PostFactory(title="News", published_at=at(2020, 5, 17), tags=["t"], categories=[CategoryFactory(name="c")])
    PostFactory(title="Новости", published_at=at(2020, 5, 18), slug="новости")
    assert "pages are in the cache." in run()
    reader = Reader()
    for path in ("/", "/2020/05/17/news/", "/2020/05/18/новости/", "/about/", "/category/c/", "/tag/t/", "/feed/"):
        assert reader.get(path).status == 200
    assert reader.rendered == []


def test_it_stops_at_the_number_of_pages() -> None:
    PostFactory.create_batch(5)
    assert run(pages=3) == "3 pages are in the cache.\n"
    with pytest.raises(CommandError, match="at least 1"):
        run(pages=0)


def test_it_follows_no_links_to_other_sites_to_staff_pages_or_with_queries() -> None:
    page = b"""<a href="https://other.example/a/"></a><a href="//other.example/b/"></a><a href="/admin/x/"></a>
        <a href="/c/?d=e"></a><a href="/media/f.jpg"></a><a rel="nofollow" href="/g/"></a><a href="http://[h"></a>
        <a href="i/#j"></a><a></a><a href="mailto:k@example.org"></a><a href="javascript:l"></a>"""
    assert list(warming._linked_paths("/x/", page)) == ["/x/i/"]


def test_it_says_what_to_do_if_it_could_not_request_anything() -> None:
    with override_settings(ALLOWED_HOSTS=["other.example"]), pytest.raises(CommandError, match="ALLOWED_HOSTS"):
        run()


def test_it_can_be_interrupted() -> None:
    with mock.patch.object(warming, "_get", side_effect=KeyboardInterrupt), pytest.raises(CommandError) as error:
        run()
    assert error.value.returncode == 130
    assert "so far" in str(error.value)
