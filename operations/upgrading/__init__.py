"""Upgrading the database between two releases (deploy/upgrade.py): a copy is migrated, tried, and put in its place.

The database itself is only changed in that last step, so an upgrade that fails or is killed has changed nothing. Each
release also works with the database of the next one (CONTRIBUTING.md), for the seconds in which it still serves
readers, or in case everything is killed at just that moment.
"""
