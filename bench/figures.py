"""Percentiles and tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


def compute_percentile(values: Iterable[float], share: float) -> float:
    """Return the percentile at `share` percent, or NaN if there is no value."""
    found = list(values)
    return float(np.percentile(found, share)) if found else float("nan")


def format_ms(seconds: float) -> str:
    return "–" if np.isnan(seconds) else f"{seconds * 1000:,.0f}"


def format_percentiles(seconds: Sequence[float]) -> list[str]:
    """Return p50, p95 and p99 of some seconds, in milliseconds."""
    return [format_ms(compute_percentile(seconds, share)) for share in (50, 95, 99)]


def format_share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % ({part} of {whole})" if whole else "–"


def format_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown, which reads well on a terminal too."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Result:
    """One row of a table, and what the bars need of it; times are in ms."""

    row: Sequence[object]
    facts: Mapping[str, float] = field(default_factory=dict)
