"""Fixtures for tests with processes of their own."""

from tests.factories.made_once import copy_database

__all__ = ["copy_database"]
