"""Read the lock files: what `make lock` wrote, what it was asked for, and the kinds of machine that it is for."""

import importlib.metadata as metadata
import re
from dataclasses import dataclass
from functools import cache

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(
    r"^(?P<pin>[a-z0-9].*?)(?P<hashes>(?: \\\n +--hash=sha256:[0-9a-f]{64})*)\n(?P<origins>(?: +#.*\n)*)", re.M
)


@dataclass(frozen=True)
class Machine:
    python: str
    system: str  # as sys.platform has it
    processor: str

    def __str__(self) -> str:
        return f"Python {self.python} on {self.system} {self.processor}"

    def has_use_for(self, requirement: Requirement, extra: str = "") -> bool:
        """Return whether the requirement's marker holds on this machine, asked for with this extra."""
        if requirement.marker is None:
            return True
        environment = {
            "extra": extra, "implementation_name": "cpython", "implementation_version": f"{self.python}.5",
            "os_name": "posix", "platform_machine": self.processor, "platform_python_implementation": "CPython",
            "platform_release": "", "platform_system": self.system.capitalize(), "platform_version": "",
            "python_full_version": f"{self.python}.5", "python_version": self.python, "sys_platform": self.system,
        }  # fmt: skip
        return requirement.marker.evaluate(environment)


MACHINES = [
    Machine(python, system, processor)
    for python in ("3.11", "3.12", "3.13", "3.14")
    for system, processor in (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))
]


@dataclass(frozen=True)
class Pin:
    requirement: Requirement
    hash_count: int
    origins: frozenset[str]  # the packages, and "-r" or "-c" and a file, that it is there for

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")


def read_pins(lock: str) -> list[Pin]:
    """Return the pins of a lock's text, in its order."""
    return [
        Pin(
            Requirement(found["pin"]),
            found["hashes"].count("--hash="),
            frozenset(line.lstrip(" #").removeprefix("via ") for line in found["origins"].splitlines()) - {"via"},
        )
        for found in PIN.finditer(lock)
    ]


def read_wishes(asked: str) -> list[Requirement]:
    """Return the requirements of an input's text, without those of the files that it names."""
    lines = [line.partition(" #")[0].strip() for line in asked.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def find_stale(name: str, asked: str, lock: str) -> list[str]:
    """Return in words where a lock differs from what the input of that name asks for: nothing, if it is up to date."""
    pins, wishes = read_pins(lock), read_wishes(asked)
    direct = {pin.name for pin in pins if f"-r {name}" in pin.origins}
    wished = {canonicalize_name(one.name) for one in wishes}
    return [
        *(f"{one} is asked for and not locked" for one in sorted(wished - direct)),
        *(f"{one} is locked and no longer asked for" for one in sorted(direct - wished)),
        *(
            f"{one} is asked for, and {pin.version} is locked for {machine}"
            for one in wishes for machine in MACHINES for pin in pins
            if canonicalize_name(one.name) == pin.name and pin.version not in one.specifier
            and machine.has_use_for(one) and machine.has_use_for(pin.requirement)
        ),
    ]  # fmt: skip


def find_missing(pins: list[Pin], wishes: list[Requirement], machine: Machine) -> list[str]:
    """Return in words what the packages that are installed here would need on that machine and no pin satisfies.

    Of a package that only other machines need, nothing is known here.
    """
    versions = {pin.name: pin.version for pin in pins if machine.has_use_for(pin.requirement)}
    ahead = [one for one in wishes if machine.has_use_for(one)]
    seen: set[tuple[str, str]] = set()
    faults = []
    while ahead:
        one = ahead.pop()
        name = canonicalize_name(one.name)
        if name not in versions or versions[name] not in one.specifier:
            faults.append(f"{machine}: {one} is needed, {versions.get(name, 'nothing')} is locked")
        for extra in {"", *one.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            ahead += [need for need in read_needs(name) if machine.has_use_for(need, extra)]
    return faults


@cache
def read_needs(name: str) -> list[Requirement]:
    """Return what an installed package requires, with all markers; nothing if it is not installed."""
    try:
        return [Requirement(need) for need in metadata.requires(name) or ()]
    except metadata.PackageNotFoundError:
        return []
