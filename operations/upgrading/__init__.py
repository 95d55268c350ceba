"""The database between two releases (deploy/upgrade.py): a copy of it is migrated, tried, and put in its place.

Nothing is done to the database itself before that one step, so an upgrade that fails or is killed has changed nothing.
A release before works with the database of the next one as well (CONTRIBUTING.md), for the seconds in which readers
are still served by the one, or if everything is killed at just that moment.
"""
