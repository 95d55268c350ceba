"""Days without a leading zero, as Ukrainian writes them in texts; Django's formats have one."""

DATE_FORMAT = "j E Y р."
DATETIME_FORMAT = "j E Y р. H:i"
MONTH_DAY_FORMAT = "j F"
