"""What the doctor says, for tests: the texts of what it found, by level."""

from collections.abc import Iterable

from voiceproject.doctor.findings import Finding, Level


def list_problems(findings: Iterable[Finding]) -> list[str]:
    """Return the problems. Each must say what to do."""
    found = [finding for finding in findings if finding.level is Level.PROBLEM]
    assert all(finding.advice for finding in found)
    return [finding.text for finding in found]


def list_notes(findings: Iterable[Finding]) -> list[str]:
    return [finding.text for finding in findings if finding.level is Level.NOTE]


def list_fine(findings: Iterable[Finding]) -> list[str]:
    return [finding.text for finding in findings if finding.level is Level.FINE]
