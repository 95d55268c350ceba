"""English formats: times in the admin look like those of `core.dates.format_datetime`. Readers never see them."""

DATETIME_FORMAT = "D j F Y, H:i"
