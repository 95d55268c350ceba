"""A backup records enough of the environment to set the site up again, but no secret."""

import datetime as dt
import re

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.redaction import PLAIN, SECRET, URLS, without_secrets
from config.validation import backup_times
from tests.factories.programs import ROOT


def test_every_setting_is_classified() -> None:
    """A new setting is left out of backups until it is listed as harmless, as a URL, or as a secret."""
    example = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "config/settings.py").read_text(encoding="utf-8")))
    assert example
    assert example | read == PLAIN | URLS | SECRET
    assert len(PLAIN) + len(URLS) + len(SECRET) == len(PLAIN | URLS | SECRET)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("SITE_URL", "https://blog.example.org", "https://blog.example.org"),
        ("SECRET_KEY", "hidden", ""),
        ("AKISMET_KEY", "hidden", ""),
        ("DATABASE_URL", "postgres://user:hidden@db.example.org:5432/site", "postgres://…@db.example.org:5432/site"),
        ("DATABASE_URL", "postgres://user:hidden@[::1]:5432/site", "postgres://…@[::1]:5432/site"),
        ("DATABASE_URL", "postgres://user:12,hidden@db/site", "postgres://…@db/site"),
        ("DATABASE_URL", "postgres://db/site?password=hidden&sslmode=require", "postgres://db/site"),
        (
            "DATABASE_REPLICA_URLS",
            "postgres://u:hidden@a/x,postgres://u:hidden@b/x",
            "postgres://…@a/x,postgres://…@b/x",
        ),
        (
            "STORAGE_URL",
            "s3://hidden:hidden@s3.example.org/b?region=eu-west-1",
            "s3://…@s3.example.org/b?region=eu-west-1",
        ),
        ("EMAIL_URL", "smtp+tls://name:hid%40den@mail.example.org:587", "smtp+tls://…@mail.example.org:587"),
        ("BACKUP_URL", "/var/backups/broadside", "/var/backups/broadside"),
        ("EMAIL_URL", "console:", ""),
        ("EMAIL_URL", "smtp://name:hidden@[bad", ""),
        ("EMAIL_URL", "name:hidden@mail.example.org", ""),
        ("CACHE_URL", "redis://:hidden@127.0.0.1:6379/0", "redis://…@127.0.0.1:6379/0"),
        ("TIME_ZONE", "Europe/Amsterdam\nSECRET_KEY=planted", "Europe/Amsterdam SECRET_KEY=planted"),
    ],
)
def test_secrets_are_left_out(name: str, value: str, kept: str) -> None:
    assert without_secrets({name: value}) == {name: kept}
    assert "hid" not in without_secrets({name: value})[name]


def test_other_variables_are_left_out() -> None:
    assert without_secrets({"PATH": "/usr/bin", "AWS_SECRET_ACCESS_KEY": "x"}) == {}


def test_times_of_day_are_sorted() -> None:
    assert backup_times(["15:30", " 03:30", ""]) == [dt.time(3, 30), dt.time(15, 30)]


@pytest.mark.parametrize("values", [[], [""], ["25:00"], ["half past three"], ["03:30+01:00"]])
def test_invalid_times_of_day_are_refused(values: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="BACKUP_TIMES is not valid"):
        backup_times(values)
