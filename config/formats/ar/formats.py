"""Formats that Django doesn't have in Arabic, where it would use those of American English."""

DATETIME_FORMAT = "j F، Y، g:i A"
SHORT_DATETIME_FORMAT = "d‏/m‏/Y، g:i A"
