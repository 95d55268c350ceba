"""Withdrawing a person: replacing a name everywhere on the site at once, so that it can be undone for some days."""
