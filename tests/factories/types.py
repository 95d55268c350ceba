"""Types of fixtures that are functions."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Few tests need a browser, and its library is slow to load.
    from django.core.mail import EmailMessage
    from playwright.sync_api import Page

    from wordpress.importing.report import Report
    from wordpress.models import ImportJob

type AtOnce = Callable[..., list[Any]]
type GrowsWithLength = Callable[[Callable[[str], object], str], bool]
type Work = Callable[[], None]

type OwnTemplates = Callable[[Mapping[str, str]], Path]
type PassTime = Callable[..., None]
type Deliver = Callable[[], list[EmailMessage]]
type MailServerDown = Callable[[], AbstractContextManager[None]]
type Refusing = Callable[[str], AbstractContextManager[None]]

type ImportParts = Callable[..., Report]
type Uploaded = Callable[..., ImportJob]

type OpenPage = Callable[..., Page]
type LogIn = Callable[..., Page]
type WriteComment = Callable[[Page, str], None]
type Faults = Callable[[Page], str]
type Device = dict[str, Any]

type Manage = Callable[..., str]
type SiteState = Callable[[], tuple[list[tuple[str, object]], dict[str, bytes]]]
