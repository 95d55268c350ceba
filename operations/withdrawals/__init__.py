"""Withdrawing a person's name: replacing it everywhere on the site, which can be undone for some days."""
