"""Rules for the test suite itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client, TestCase

from blog.models import Post
from tests.factories import PostFactory

TESTS = Path(__file__).parent
MODULES = {path.relative_to(TESTS).as_posix(): path for path in sorted(TESTS.rglob("test_*.py"))}


def imports_from_tests(source: str) -> Iterator[str]:
    """Yield the modules below `tests`, other than factories, that a test module imports at any nesting level."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.split(".")[0] in {"", "tests", "conftest"} and name.split(".")[:2] != ["tests", "factories"]:
                yield name


@pytest.mark.parametrize("name", MODULES)
def test_modules_import_helpers_from_factories_only(name: str) -> None:
    """Shared helpers are fixtures of a conftest.py, or live in `tests.factories`."""
    assert list(imports_from_tests(MODULES[name].read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "statement",
    [
        "from tests.blog.test_feeds import read",
        "from tests.blog import test_feeds",
        "from tests import conftest",
        "from tests.conftest import web_server",
        "from conftest import web_server",
        "from .test_feeds import read",
        "from . import conftest",
        "import tests.blog.test_feeds",
        "def test():\n    from tests.blog.test_feeds import read",
    ],
)
def test_imports_from_other_tests_are_detected(statement: str) -> None:
    assert len(list(imports_from_tests(statement))) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "from tests.factories import PostFactory",
        "from tests.factories.wxr import item",
        "import json",
        "from blog import models",
    ],
)
def test_other_imports_are_allowed(statement: str) -> None:
    assert list(imports_from_tests(statement)) == []


def is_marked(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("database") is not None


@pytest.fixture
def post(db: None) -> object:
    return PostFactory()


class TestMarkOfTheDatabase:
    """Tests without it aren't run on PostgreSQL."""

    def test_is_set_by_a_fixture_that_uses_another_one(self, request: pytest.FixtureRequest, post: object) -> None:
        assert is_marked(request)

    def test_is_set_by_the_fixture_for_a_class(self, request: pytest.FixtureRequest, class_db: None) -> None:
        assert is_marked(request)

    @pytest.mark.django_db
    def test_is_set_by_the_mark_of_the_library(self, request: pytest.FixtureRequest) -> None:
        assert is_marked(request)

    @pytest.mark.skipif(False, reason="It runs on each database.")
    def test_is_set_for_a_test_that_may_be_skipped_on_one_database(self, request: pytest.FixtureRequest) -> None:
        assert is_marked(request)

    def test_is_not_set_otherwise(self, request: pytest.FixtureRequest, client: Client, tmp_path: Path) -> None:
        assert not is_marked(request)

    def test_must_not_be_missing_from_tests_that_make_queries(self) -> None:
        """Not even in a class with the fixture, which gives access until the class ends."""
        with pytest.raises(pytest.fail.Exception, match="depends on the database"):
            Post.objects.exists()

    def test_must_not_be_missing_from_tests_that_look_at_its_kind(self) -> None:
        with pytest.raises(pytest.fail.Exception, match="depends on the database"):
            assert connection.vendor


class TestMarkOfTheDatabaseForTestCases(TestCase):
    @pytest.fixture(autouse=True)
    def _request(self, request: pytest.FixtureRequest) -> None:
        self.request = request

    def test_is_set(self) -> None:
        assert is_marked(self.request)
