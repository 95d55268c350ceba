"""A format that Django lacks for Arabic, where it would fall back to American English. Readers never see it."""

DATETIME_FORMAT = "j F، Y، H:i"
