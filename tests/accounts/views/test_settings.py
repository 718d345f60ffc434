from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.support.factories import make_user

SETTINGS = reverse("settings")


def test_it_works(page: Client, user: User) -> None:
    answer = page.post(SETTINGS, {"patience": "patient"}, follow=True)
    assert "Preferences saved." in answer.content.decode()
    assert answer.context["form"]["patience"].value() == "patient"
    user.refresh_from_db()
    assert user.patience == "patient"
    page.post(SETTINGS, {"patience": ""})
    user.refresh_from_db()
    assert user.patience == ""


def test_a_time_zone_is_chosen_from_a_list(page: Client, user: User) -> None:
    offered = [value for value, _ in page.get(SETTINGS).context["form"].fields["time_zone"].choices]
    assert offered[:2] == ["", "UTC"]
    assert "Europe/Vienna" in offered
    page.post(SETTINGS, {"time_zone": "Europe/Vienna"})
    user.refresh_from_db()
    assert user.time_zone == "Europe/Vienna"
    assert "time_zone" in page.post(SETTINGS, {"time_zone": "Vienna"}).context["form"].errors
    user.refresh_from_db()
    assert user.time_zone == "Europe/Vienna"


def test_only_ones_own(page: Client, user: User) -> None:
    other = make_user(patience="quick")
    page.post(SETTINGS, {"patience": "patient", "user": other.pk, "email": "new@example.com", "is_staff": "on"})
    other.refresh_from_db()
    user.refresh_from_db()
    assert other.patience == "quick"
    assert (user.email != "new@example.com", user.is_staff) == (True, False)


def test_signed_out(db: None) -> None:
    assert Client().post(SETTINGS, {"patience": "patient"})["Location"].startswith(reverse("account_login"))


def test_what_is_wrong_is_said(page: Client, user: User) -> None:
    answer = page.post(SETTINGS, {"patience": "endless"})
    assert "patience" in answer.context["form"].errors
    user.refresh_from_db()
    assert user.patience == ""
