"""Fixtures for tests of the site's processes."""

from tests.factories.made_once import copy_database, static_root

__all__ = ["copy_database", "static_root"]
