"""Formats in English: times in the admin as `core.dates.format_datetime` has them. Readers see none of these."""

DATETIME_FORMAT = "D j F Y, H:i"
