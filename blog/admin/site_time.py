"""A field for a date and time in the site's time zone, including the days when clocks change."""

import datetime as dt
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# The format that browsers send and expect, to the minute.
_FORMAT: Final = "%Y-%m-%dT%H:%M"


def zone_sentence(time: dt.datetime | None = None) -> str:
    """Return a sentence about the site's time zone, with its offset at `time`, or now."""
    zone = timezone.get_current_timezone()
    name = str(zone)
    if name == "UTC":
        return _("Times are in UTC.")
    place, offset = name.rpartition("/")[2].replace("_", " "), _offset_label((time or timezone.now()).astimezone(zone))
    return _("Times are in %(place)s (%(offset)s).") % {"place": place, "offset": offset}


def _offset_label(time: dt.datetime) -> str:
    """Return the offset of an aware time: `UTC+1`, `UTC−3:30`."""
    minutes = int((time.utcoffset() or dt.timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"


def _both_readings(local: dt.datetime) -> list[dt.datetime]:
    """Return the times that a naive time can mean: two when clocks are set back, none when they are set forward."""
    first, second = (timezone.make_aware(local.replace(fold=fold)) for fold in (0, 1))
    earlier, later = first.utcoffset(), second.utcoffset()
    if earlier == later or earlier is None or later is None:
        return [first]
    return [first, second] if earlier > later else []


class SiteTimeInput(forms.DateTimeInput):
    """A `datetime-local` input, followed by the choice between two times if clocks are set back at that time."""

    input_type = "datetime-local"
    template_name = "admin/blog/entry/site_time.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format=_FORMAT)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return what was typed, followed by the offset if one was chosen."""
        text, offset = data.get(name) or "", data.get(f"{name}_offset") or ""
        return f"{text}{offset}" if text else ""

    def set_submitted(self, data: QueryDict, name: str, value: dt.datetime | None) -> None:
        """Set the time in submitted data. `value` is naive, as the field prepares it for this widget."""
        data[name] = self.format_value(value) or ""
        data[f"{name}_offset"] = f"{timezone.make_aware(value):%z}" if value else ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        time = value if isinstance(value, dt.datetime) else _parse(str(value or ""))
        local = time and time.replace(tzinfo=None)
        context = super().get_context(name, local or str(value or ""), attrs)
        readings = _both_readings(local) if local else []
        if time and len(readings) == 2:
            # A stored time arrives naive, but its fold distinguishes the two.
            chosen = (timezone.make_aware(time) if isinstance(value, dt.datetime) else time).utcoffset()
            context["readings"] = [
                {
                    "value": f"{reading:%z}",
                    "label": label % {"offset": _offset_label(reading)},
                    "checked": reading.utcoffset() == chosen,
                }
                for reading, label in zip(
                    readings,
                    (_("before the clocks go back (%(offset)s)"), _("after the clocks go back (%(offset)s)")),
                    strict=True,
                )
            ]
        return context


class SiteTimeField(forms.DateTimeField):
    """An optional time. The seconds of the initial time stay unless a different minute is entered."""

    widget = SiteTimeInput
    default_error_messages = {"invalid": gettext_lazy("Enter a date and a time, such as 2026-12-03 08:00.")}

    def to_python(self, value: Any) -> dt.datetime | None:
        if value in self.empty_values:
            return None
        time = _parse(str(value))
        if time is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        local = time.replace(tzinfo=None)
        readings = _both_readings(local)
        if len(readings) == 1:
            return readings[0]
        params = {"time": f"{local:%H:%M}"}
        if not readings:
            raise ValidationError(
                _("There is no %(time)s on this day, because the clocks go forward. Choose an earlier or a later time.")
                % params,
                code="skipped",
            )
        for reading in readings:
            if time.tzinfo and time.utcoffset() == reading.utcoffset():
                return reading
        raise ValidationError(
            _("%(time)s occurs twice on this day, because the clocks go back. Choose which of the two you mean.")
            % params,
            code="repeated",
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether a different minute was entered."""
        try:
            time = self.to_python(data)
        except ValidationError:
            return True
        return _minute(time) != _minute(initial)


def _minute(time: dt.datetime | None) -> dt.datetime | None:
    return time and time.astimezone(dt.UTC).replace(second=0, microsecond=0)


def _parse(text: str) -> dt.datetime | None:
    """Return the time in `text`, or None if there is none, or it can't be stored in every time zone."""
    try:
        time = parse_datetime(text.strip())
    except ValueError:
        return None
    return time if time and 1 < time.year < 9999 else None
