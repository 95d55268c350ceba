"""Formats that Django lacks for Arabic, and for which it would use those of American English."""

DATETIME_FORMAT = "j F، Y، g:i A"
SHORT_DATETIME_FORMAT = "d‏/m‏/Y، g:i A"
