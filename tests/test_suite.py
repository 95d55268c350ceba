"""Rules for the test suite itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

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
