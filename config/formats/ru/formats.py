"""Times in the admin have two digits for the hour, as in `core.dates.format_datetime`. Readers never see them."""

DATETIME_FORMAT = "j E Y г. H:i"
