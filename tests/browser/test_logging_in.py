"""Logging in with a passkey, with a second step, after losing a password, and from several browsers."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.core import mail
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings

from accounts.models import RolePolicy, User
from blog.models import Post
from core.models import SiteSettings
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.pages import log_in_beside
from tests.factories.responses import links
from tests.factories.types import Device, Faults, LogIn, OpenPage, Work

pytestmark = pytest.mark.django_db(transaction=True)

# Measures how far the content of the page moves: the Cumulative Layout Shift.
OBSERVE_MOVES = """window.moved = 0;
new PerformanceObserver((list) => { for (const shift of list.getEntries()) window.moved += shift.value; })
  .observe({ type: "layout-shift", buffered: true });"""


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    SiteSettings.objects.get_or_create(pk=1)
    UserFactory(username="ruth", display_name="Ruth", role="Editor", email="ruth@example.org", password=PASSWORD)


@pytest.fixture
def authenticator() -> Callable[[Page], None]:
    """Return a function that gives a page a device that stores passkeys and verifies its user."""
    sessions = []

    def attach(page: Page) -> None:
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options: dict[str, Any] = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        sessions.append(session)

    return attach


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def enter_password(page: Page, password: str = PASSWORD, name: str = "ruth") -> None:
    page.get_by_label("Username or e-mail address").fill(name)
    page.get_by_label("Password").fill(password)
    press(page, "Log in")


def app_code(secret: str, *, later: int = 0) -> str:
    """Return the code that an authenticator app shows in `later` half minutes."""
    return auth.format_hotp_value(auth.hotp_value(secret, int(timezone.now().timestamp()) // 30 + later))


def expect_to_be_logged_in(page: Page) -> None:
    # On a phone, the button is in the menu.
    expect(page.locator("#logout-form")).to_be_attached()


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_moves_when_the_button_for_passkeys_is_shown(open_page: OpenPage, width: int) -> None:
    # The script is held back, as on a slow connection, so that the page is painted first.
    page = open_page("/robots.txt", viewport={"width": width, "height": 800})
    page.add_init_script(OBSERVE_MOVES)
    scripts: list[Route] = []
    page.route("**/passkeys*.js", lambda route: scripts.append(route))
    page.goto("/admin/login/", wait_until="commit")
    button = page.get_by_role("button", name="Log in with a passkey")
    page.get_by_role("link", name="Forgot your password?").wait_for()
    expect(button).to_be_hidden()
    scripts[0].continue_()
    expect(button).to_be_visible()
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.evaluate("window.moved") == 0


def test_a_passkey_is_added_logs_in_and_publishes(
    open_page: OpenPage, authenticator: Callable[[Page], None], faults: Faults, device: Device
) -> None:
    page = open_page("/admin/login/", **device)
    authenticator(page)
    assert faults(page) == ""
    enter_password(page)
    expect_to_be_logged_in(page)
    page.goto("/admin/account/")
    assert faults(page) == ""
    page.get_by_role("link", name="Add a passkey").click()
    expect(page.get_by_label("Name")).to_have_value("Chrome on Linux")
    assert faults(page) == ""
    page.get_by_label("Name").fill("My laptop")
    press(page, "Add passkey")
    expect(page.locator(".codes li")).to_have_count(10)
    assert faults(page) == ""
    page.get_by_role("link", name="I have saved them").click()
    expect(page.get_by_text("My laptop").first).to_be_visible()
    assert faults(page) == ""

    page.context.clear_cookies()
    page.goto("/admin/login/?next=/admin/blog/post/add/")
    # The second click must not send another response, which would be refused.
    page.get_by_role("button", name="Log in with a passkey").dblclick()
    page.fill("#id_title", "From my laptop")
    page.fill("#id_source", "Without a password.")
    press(page, "Publish")
    expect(page.locator(".messagelist")).to_contain_text("published")
    assert Post.objects.published().get().title == "From my laptop"


def test_an_invited_person_chooses_a_passkey_and_publishes(
    open_page: OpenPage, log_in: LogIn, authenticator: Callable[[Page], None], faults: Faults, device: Device
) -> None:
    UserFactory(username="owner", is_staff=True, is_superuser=True, password=PASSWORD)
    owner = log_in("owner", "/admin/accounts/user/")
    owner.get_by_role("link", name="Invite someone").click()
    owner.get_by_label("Name that readers see").fill("Rosa Pen")
    owner.get_by_label("Editor", exact=False).first.check()
    press(owner, "Invite")
    link = owner.get_by_label("Link for “Rosa Pen”").input_value()
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(owner, "Copy link")
    expect(owner.get_by_text("The link was copied.")).to_be_visible()
    assert owner.evaluate("navigator.clipboard.readText()") == link
    page = open_page(link.removeprefix("http://testserver"), **device)
    authenticator(page)
    assert faults(page) == ""
    page.get_by_label("Name that readers see").fill("Nightingale")
    # The first attempt says what is wrong with the name.
    page.get_by_label("Username").fill("ruth")
    press(page, "Use a passkey instead")
    expect(page.get_by_text("A user with that username already exists.")).to_be_visible()
    page.get_by_label("Username").fill("night")
    press(page, "Use a passkey instead")
    expect(page.get_by_role("heading", name="Create your passkey")).to_be_visible()
    assert faults(page) == ""
    press(page, "Create passkey")
    expect(page.locator(".codes li")).to_have_count(10)
    assert faults(page) == ""

    page.context.clear_cookies()
    page.goto("/admin/login/?next=/admin/blog/post/add/")
    press(page, "Log in with a passkey")
    page.fill("#id_title", "From someone new")
    page.fill("#id_source", "Without a password.")
    press(page, "Publish")
    expect(page.locator(".messagelist")).to_contain_text("published")
    assert str(Post.objects.published().get().author) == "Nightingale"
    assert not User.objects.get(username="night").has_usable_password()


def test_after_the_password_a_passkey_is_the_second_step(
    open_page: OpenPage, authenticator: Callable[[Page], None], faults: Faults
) -> None:
    page = open_page("/admin/login/?next=/admin/account/passkeys/add/")
    authenticator(page)
    enter_password(page)
    press(page, "Add passkey")
    expect(page.locator(".codes li")).to_have_count(10)
    page.context.clear_cookies()
    page.goto("/admin/login/")
    enter_password(page)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    assert faults(page) == ""
    press(page, "Use a passkey")
    expect_to_be_logged_in(page)


def test_a_role_that_requires_a_second_step_gets_an_app(open_page: OpenPage, faults: Faults) -> None:
    RolePolicy.objects.create(role="Editor", needs_second_factor=True)
    page = open_page("/admin/login/?next=/admin/blog/post/")
    enter_password(page)
    expect(page.get_by_role("alert")).to_contain_text("Your role requires a second step")
    assert faults(page) == ""
    page.goto("/admin/blog/post/")
    expect(page.get_by_role("alert")).to_contain_text("Your role requires a second step")
    page.get_by_role("link", name="Add an authenticator app").click()
    expect(page.get_by_role("img", name="QR code for your app")).to_be_visible()
    assert faults(page) == ""
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Authenticator code").fill(app_code(secret))
    press(page, "Set up the app")
    expect(page.locator(".codes li")).to_have_count(10)
    recovery_code = page.locator(".codes li").first.inner_text()
    page.goto("/admin/blog/post/")
    expect(page.get_by_role("heading", name="Posts")).to_be_visible()

    page.context.clear_cookies()
    page.goto("/admin/login/")
    enter_password(page)
    page.get_by_label("Code").fill("000000")
    press(page, "Continue")
    expect(page.get_by_text("This code is wrong or has already been used.")).to_be_visible()
    assert faults(page) == ""
    # The code with which the app was set up is used up, and the app shows another one half a minute later.
    page.get_by_label("Code").fill(app_code(secret, later=1))
    press(page, "Continue")
    expect_to_be_logged_in(page)

    page.context.clear_cookies()
    page.goto("/admin/login/")
    enter_password(page)
    page.get_by_label("Code").fill(recovery_code)
    press(page, "Continue")
    expect_to_be_logged_in(page)


def test_a_lost_password_is_replaced_by_means_of_a_link(open_page: OpenPage, work: Work, faults: Faults) -> None:
    page = open_page("/admin/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_role("button", name="Send me a link")).to_be_visible()
    assert faults(page) == ""
    page.get_by_label("Username or e-mail address").fill("ruth@example.org")
    press(page, "Send me a link")
    expect(page.get_by_role("status")).to_contain_text("a link is on its way")
    assert faults(page) == ""
    work()
    (email,) = mail.outbox
    (link,) = (each for each in links(email) if "/password/set/" in each)
    page.goto(link.removeprefix("http://testserver"))
    assert faults(page) == ""
    new = "quite-another-password-9"
    page.get_by_label("Password:", exact=True).fill(new)
    page.get_by_label("Confirm password").fill(new)
    press(page, "Save password")
    expect(page.locator(".messagelist")).to_contain_text("Your password has been saved.")
    enter_password(page, new)
    expect_to_be_logged_in(page)


def test_a_hundred_wrong_passwords_from_fifty_senders_lock_no_owner_out(
    open_page: OpenPage, faults: Faults, settings: Settings
) -> None:
    settings.BROADSIDE_TRUSTED_PROXIES = 1
    for name in ("owner", "second"):
        UserFactory(username=name, is_staff=True, is_superuser=True, password=PASSWORD)
    here, attacker = {"X-Forwarded-For": "203.0.113.5"}, Client()
    known = open_page("/admin/login/", extra_http_headers=here)
    enter_password(known, name="owner")
    expect_to_be_logged_in(known)
    known.locator("#logout-form").evaluate("form => form.submit()")
    known.wait_for_url("**/logout/")
    for number in range(100):
        for name in ("owner", "second"):
            guess = {"username": name, "password": f"guess {number}"}
            attacker.post("/admin/login/", guess, headers={"X-Forwarded-For": f"198.51.100.{number % 50}"})
    assert attacker.get("/admin/account/").status_code == 302
    # The owner has the address of one of the senders, such as the exit of an anonymity network.
    known.set_extra_http_headers({"X-Forwarded-For": "198.51.100.7"})
    known.goto("/admin/login/")
    enter_password(known, name="owner")
    expect_to_be_logged_in(known)
    # A browser that has never logged in, from anywhere else.
    new = open_page("/admin/login/", extra_http_headers=here)
    enter_password(new, "a wrong one", name="second")
    expect(new.get_by_role("alert")).to_contain_text("username or password is wrong")
    assert faults(new) == ""
    enter_password(new, name="second")
    expect_to_be_logged_in(new)


def test_a_session_is_ended_from_another_browser(open_page: OpenPage, log_in: LogIn, faults: Faults) -> None:
    post = PostFactory(source="Stored.")
    phone = open_page(
        f"/admin/login/?next=/admin/blog/post/{post.pk}/change/",
        user_agent="Mozilla/5.0 (Android 14; Mobile; rv:140.0) Firefox/140.0",
    )
    enter_password(phone)
    phone.locator("#id_source").press_sequentially(" Typed.")
    laptop = log_in("ruth", "/admin/account/")
    assert faults(laptop) == ""
    laptop.get_by_role("button", name=re.compile("Log out ?: Firefox on Android")).click()
    expect(laptop.locator(".messagelist")).to_contain_text("Firefox on Android is logged out.")
    press(phone, "Update")
    log_in_beside(phone, PASSWORD)
    press(phone, "Update")
    expect(phone.locator(".autosave-status .success")).to_be_visible()
    post.refresh_from_db()
    assert "Typed." in post.source


def test_the_emergency_link_works_from_any_browser(open_page: OpenPage, log_in: LogIn, faults: Faults) -> None:
    laptop = log_in("ruth", "/admin/account/emergency-link/")
    assert faults(laptop) == ""
    press(laptop, "Create an emergency link")
    expect(laptop.get_by_role("img", name="QR code of your emergency link")).to_be_visible()
    assert faults(laptop) == ""
    link = laptop.locator(".own-account code").inner_text().removeprefix("http://testserver")
    stranger = open_page(link, java_script_enabled=False)
    press(stranger, "Log out everywhere and lock my account")
    expect(stranger.get_by_role("status")).to_contain_text("Your account is locked")
    laptop.goto("/admin/")
    expect(laptop.get_by_role("heading", name="Log in")).to_be_visible()
    assert not User.objects.get(username="ruth").is_active


def test_owners_set_login_rules_and_help_others_to_log_in(log_in: LogIn, faults: Faults) -> None:
    UserFactory(username="owner", is_staff=True, is_superuser=True, password=PASSWORD)
    ruth = User.objects.get(username="ruth")
    auth.TOTP.activate(ruth, base64.b32encode(b"12345678901234567890").decode())
    page = log_in("owner", "/admin/login-rules/")
    assert faults(page) == ""
    page.get_by_role("group", name="Editor").get_by_label("Require a second step").check()
    press(page, "Save")
    expect(page.locator(".messagelist")).to_contain_text("Login rules saved.")
    assert RolePolicy.objects.get().needs_second_factor
    page.goto(f"/admin/accounts/user/{ruth.pk}/change/")
    page.get_by_role("link", name="Help to log in…").click()
    expect(page.get_by_role("heading", name="Lost second step")).to_be_visible()
    assert faults(page) == ""
    press(page, "Remove the second step")
    expect(page.locator(".messagelist")).to_contain_text("The second step was removed")
    assert not Authenticator.objects.exists()
    page.get_by_role("link", name="New password…").click()
    press(page, "Create the link")
    expect(page.get_by_role("status")).to_contain_text("The link for “Ruth” was sent to ruth@example.org.")
    assert faults(page) == ""
    page.goto("/admin/account/confirm/")
    assert faults(page) == ""
    # The outline of a field isn't cut off.
    assert page.locator(".form-row").first.evaluate("row => getComputedStyle(row).overflow") == "visible"
