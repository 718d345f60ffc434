"""What strangers may try, and that their tries neither open nor close anybody's door."""

import re
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.security import known_browsers, throttles
from tests.support.factories import make_user
from voiceproject.cache import bounded_cache
from voiceproject.cache.bounded_cache import BoundedCache

PASSWORD = "correct horse battery staple"
RESET, CODE = reverse("account_reset_password"), reverse("account_request_login_code")


@pytest.fixture
def user(db: None, settings: Any) -> User:
    settings.TRUSTED_PROXY_COUNT = 1
    user = make_user(password=PASSWORD)
    user.vouch_for_email()
    return user


def build_poster(address: str, client: Client | None = None) -> Callable[..., Any]:
    """Return a function that posts a form from this address."""
    browser = client or Client()
    return lambda url, **data: browser.post(url, data, headers={"x-forwarded-for": address})


def sign_in(post: Callable[..., Any], user: User, password: str = PASSWORD) -> str:
    """Return "in", or the errors that the form shows."""
    answer = post(reverse("account_login"), login=user.email, password=password)
    return "in" if answer.status_code == 302 else str(answer.context["form"].errors)


def test_a_strangers_wrong_passwords_do_not_lock_the_owner_out(user: User) -> None:
    stranger = build_poster("198.51.100.9")
    for _ in range(5):
        assert "not correct" in sign_in(stranger, user, "wrong")
    assert "Too many wrong passwords" in sign_in(stranger, user)
    assert sign_in(build_poster("203.0.113.7"), user) == "in"


def test_one_household_has_one_address(user: User) -> None:
    for number in range(5):
        sign_in(build_poster(f"2001:db8:1:2::{number}"), user, "wrong")
    assert "Too many wrong passwords" in sign_in(build_poster("2001:db8:1:2:3::4"), user)


def test_an_address_does_not_go_through_all_accounts(user: User) -> None:
    stranger = build_poster("198.51.100.9")
    for _ in range(throttles.WRONG_FROM_ADDRESS.most):
        sign_in(stranger, make_user(), "wrong")
    assert "Too many wrong passwords" in sign_in(stranger, make_user(), "wrong")


def test_right_passwords_do_not_count(user: User) -> None:
    for _ in range(20):
        assert sign_in(build_poster("203.0.113.7"), user) == "in"


def test_many_addresses_slow_an_account_but_lock_nobody_who_was_there_before(user: User) -> None:
    browser = Client()
    assert sign_in(build_poster("203.0.113.7", browser), user) == "in"
    browser.post(reverse("account_logout"))
    for number in range(20):
        sign_in(build_poster(f"198.51.100.{number}"), user, "wrong")
    said = [sign_in(build_poster(f"192.0.2.{number}"), user, "wrong") for number in range(5)]
    assert ["Wait 15 seconds" in one for one in said] == [False, True, True, True, True]
    assert sign_in(build_poster("203.0.113.8", browser), user) == "in"  # from another address, too


def test_a_browser_is_known_to_its_own_accounts_only(user: User) -> None:
    browser, other = Client(), make_user(password=PASSWORD)
    sign_in(build_poster("203.0.113.7", browser), other)
    request = browser.get("/").wsgi_request
    assert known_browsers.is_known(request, other)
    assert not known_browsers.is_known(request, user)
    browser.cookies[known_browsers.COOKIE] = "forged"
    assert not known_browsers.is_known(browser.get("/").wsgi_request, other)


def test_a_known_browser_may_not_try_at_will(user: User) -> None:
    browser = Client()
    sign_in(build_poster("203.0.113.7", browser), user)
    browser.post(reverse("account_logout"))
    for number in range(5):
        sign_in(build_poster(f"203.0.113.{number}", browser), user, "wrong")
    assert "Too many wrong passwords" in sign_in(build_poster("203.0.113.9", browser), user)


def test_there_is_a_way_in_by_mail(user: User, sends_mail: None, mailoutbox: list[EmailMessage]) -> None:
    owner = build_poster("203.0.113.7", client := Client())
    for _ in range(6):
        said = sign_in(owner, user, "wrong")
    assert "code by email" in said
    assert CODE in client.get(reverse("account_login")).content.decode()
    owner(CODE, email=user.email)
    found = re.search(r"^\s*([A-Z0-9]{3,}-?[A-Z0-9]*)\s*$", str(mailoutbox[0].body), re.MULTILINE)
    assert found
    owner(reverse("account_confirm_login_code"), code=found[1])
    assert client.get(reverse("settings")).status_code == 200


def test_requests_for_mail_do_not_make_the_site_forget(user: User, sends_mail: None) -> None:
    stranger = build_poster("198.51.100.9")
    for _ in range(5):
        sign_in(stranger, user, "wrong")
    for number in range(10):
        build_poster(f"192.0.2.{number}")(RESET, email=f"somebody{number}@example.org")
    for number in range(3000):  # what many more of them would count
        throttles.hit(throttles.MAIL_TO_RECIPIENT, "password_reset_key", f"somebody{number}@example.org")
    assert "Too many wrong passwords" in sign_in(stranger, user)


def test_a_full_cache_gives_up_what_ends_soonest() -> None:
    full = BoundedCache("full", {"OPTIONS": {"MAX_ENTRIES": 100}})
    full.set("kept", 1, 3600)
    for number in range(1000):
        full.set(f"passing{number}", 1, 60)
    assert full.get("kept") == 1
    assert full.get("passing999") == 1
    assert sum(full.has_key(f"passing{number}") for number in range(1000)) < 100


def test_a_full_cache_costs_a_try_little() -> None:
    full = BoundedCache("large", {})
    began_at = time.perf_counter()
    for number in range(2 * bounded_cache.MAX_ENTRIES):
        full.set(f"passing{number}", 1, 60)
    assert (time.perf_counter() - began_at) / (2 * bounded_cache.MAX_ENTRIES) < 0.001
    kept = sum(full.has_key(f"passing{number}") for number in range(2 * bounded_cache.MAX_ENTRIES))
    assert kept <= bounded_cache.MAX_ENTRIES


def test_mails_to_a_stranger_are_few(user: User, sends_mail: None, mailoutbox: list[EmailMessage]) -> None:
    for number in range(60):
        build_poster(f"192.0.2.{number % 20}")(RESET, email="victim@example.org")
    assert len(mailoutbox) == throttles.MAIL_TO_RECIPIENT.most


def test_one_address_causes_few_mails(
    user: User, sends_mail: None, mailoutbox: list[EmailMessage], settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = False  # allauth's own, which count by address too
    for number in range(30):
        build_poster("198.51.100.9")(CODE, email=f"somebody{number}@example.org")
    assert len(mailoutbox) == throttles.MAIL_FROM_ADDRESS.most


def test_the_site_mails_few_strangers(
    user: User, sends_mail: None, mailoutbox: list[EmailMessage], settings: Any
) -> None:
    settings.STRANGER_MAILS_PER_HOUR = 5
    answers = [build_poster(f"192.0.2.{n}")(RESET, email=f"somebody{n}@example.org") for n in range(9)]
    assert len(mailoutbox) == 5
    assert {answer["Location"] for answer in answers} == {reverse("account_reset_password_done")}
    build_poster("203.0.113.7")(RESET, email=user.email)
    assert len(mailoutbox) == 6  # who has an account is no stranger


def test_a_strangers_requests_leave_the_owner_mails(
    user: User, sends_mail: None, mailoutbox: list[EmailMessage]
) -> None:
    for _ in range(12):
        build_poster("198.51.100.9")(RESET, email=user.email)
    before = len(mailoutbox)
    build_poster("203.0.113.7")(RESET, email=user.email)
    assert len(mailoutbox) == before + 1


def test_sign_up_takes_as_long_for_an_address_that_is_known(
    user: User, sends_mail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The CPU time is measured by turns, and the least of several counts, whatever else the machine does."""
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1_000_000)  # as on a site
    addresses = (f"203.0.113.{number}" for number in count(1))

    def measure_sec(email: str) -> float:
        post, began_at = build_poster(next(addresses)), time.thread_time()
        post(reverse("account_signup"), email=email, password1=PASSWORD, password2=PASSWORD)
        return time.thread_time() - began_at

    measure_sec("warm@example.com")
    pairs = [(measure_sec(user.email), measure_sec(f"new{number}@example.com")) for number in range(6)]
    known, new = (min(costs) for costs in zip(*pairs, strict=True))
    assert 0.75 < known / new < 1.33


def test_without_mail_few_addresses_can_be_tried(user: User) -> None:
    post = build_poster("203.0.113.7")
    data = {"password1": PASSWORD, "password2": PASSWORD}
    said = [
        str(post(reverse("account_signup"), email=user.email, **data).context["form"].errors["email"]) for _ in range(7)
    ]
    assert ["Too many sign-up attempts" in one for one in said] == [False] * 5 + [True] * 2
