"""Finding the time zone of a blog, from the local times of its posts and their UTC offsets."""

import datetime as dt
import zoneinfo
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

# There are more pairs of an offset and a month only if the dates were made up.
_MAX_SAMPLES: Final = 500
# How frequent an offset must be, compared with the most frequent one, to count as the blog's own.
_MIN_SHARE: Final = 0.05


@dataclass(slots=True)
class TimeSamples:
    """The latest local time for each UTC offset and month of the year, and how many times it represents.

    With daylight saving time, the offset depends on the month. All samples together distinguish most time zones.
    """

    latest: dict[tuple[dt.timedelta, int], dt.datetime] = field(default_factory=dict)
    counts: Counter[tuple[dt.timedelta, int]] = field(default_factory=Counter)

    def add(self, local: dt.datetime, offset: dt.timedelta) -> None:
        key = (offset, local.month)
        if key in self.latest or len(self.latest) < _MAX_SAMPLES:
            self.latest[key] = max(local, self.latest.get(key, local))
            self.counts[key] += 1

    @property
    def offsets(self) -> list[str]:
        """The most frequent offset, such as `UTC+01:00`, and for daylight saving time the next, in ascending order."""
        counts: Counter[dt.timedelta] = Counter()
        for (offset, _month), count in self.counts.items():
            counts[offset] += count
        least = max(counts.values(), default=0) * _MIN_SHARE
        return [str(dt.timezone(each)) for each in sorted(each for each, n in counts.most_common(2) if n >= least)]

    def fit(self, zone: dt.tzinfo) -> float:
        """Return the share of all times that fit `zone`, from 0 to 1. There must be at least one time."""
        fitting = sum(self.counts[key] for key, local in self.latest.items() if zone.utcoffset(local) == key[0])
        return fitting / self.counts.total()

    def find_zone(self) -> str:
        """Return the name of the only time zone that fits all times; an empty string if there are several, or none."""
        if not self.latest:
            return ""
        if not any(offset for offset, _month in self.latest):
            return "UTC"
        found = ""
        for name in _zones():
            if self._fits(zoneinfo.ZoneInfo(name)):
                if found:
                    return ""
                found = name
        return found

    def _fits(self, zone: dt.tzinfo) -> bool:
        return all(zone.utcoffset(local) == offset for (offset, _month), local in self.latest.items())

    def to_json(self) -> list[list[Any]]:
        """Return the samples as JSON types."""
        return [
            [local.isoformat(), int(offset.total_seconds()), self.counts[offset, month]]
            for (offset, month), local in self.latest.items()
        ]

    @classmethod
    def from_json(cls, rows: list[list[Any]]) -> Self:
        samples = cls()
        for text, seconds, count in rows:
            local, offset = dt.datetime.fromisoformat(text), dt.timedelta(seconds=seconds)
            samples.latest[offset, local.month] = local
            samples.counts[offset, local.month] = count
        return samples


def _zones() -> list[str]:
    """Return the time zones that countries use, without aliases; an empty list if the system has no `zone.tab`."""
    for folder in zoneinfo.TZPATH:
        table = Path(folder, "zone.tab")
        if table.is_file():
            lines = table.read_text(encoding="utf-8").splitlines()
            return [line.split("\t")[2] for line in lines if line and not line.startswith("#")]
    return []
