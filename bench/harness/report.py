"""The outcome of a part: a table for people, a JSON document for machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from bench.harness.result import Figure, Ratio, Result
from bench.harness.spread import Spread

__all__ = ["document", "table"]

_SPREAD = ("median", "min", "p25", "p75", "max")
_DIGITS = 4


def table(result: Result) -> str:
    """``result`` as text: the figures, the ratios with their budget, and the notes."""
    lines = ["", result.title, f"({', '.join(f'{name}: {value}' for name, value in result.settings.items())})", ""]
    lines += _grid(["", "", "unit", *_SPREAD], [_figure(figure) for figure in result.figures])
    lines += ["", *_grid(["", "ratio", "", *_SPREAD, "budget", ""], [_ratio(ratio) for ratio in result.ratios]), ""]
    lines += [f"  {note}" for note in result.notes]
    return "\n".join(lines)


def document(result: Result, machine: Mapping[str, object], *, quick: bool) -> dict[str, object]:
    """``result`` as it is kept in ``bench/results``."""
    return {
        "part": result.part,
        "title": result.title,
        "quick": quick,
        "machine": dict(machine),
        "settings": dict(result.settings),
        "figures": [{"group": each.group, "name": each.name, "unit": each.unit, **_rounded(each.spread)} for each in result.figures],
        "ratios": [
            {
                "group": each.group,
                "name": each.name,
                **_rounded(each.spread),
                "budget": str(each.budget) if each.budget else None,
                "verdict": each.verdict or None,
            }
            for each in result.ratios
        ],
        "notes": list(result.notes),
    }


def _rounded(spread: Spread) -> dict[str, float]:
    return {name: float(f"{value:.{_DIGITS}g}") for name, value in asdict(spread).items()}


def _figure(figure: Figure) -> list[str]:
    return [figure.group, figure.name, figure.unit, *_numbers(figure.spread)]


def _ratio(ratio: Ratio) -> list[str]:
    return [ratio.group, ratio.name, "", *_numbers(ratio.spread), str(ratio.budget or ""), ratio.verdict]


def _numbers(spread: Spread) -> Iterator[str]:
    for name in _SPREAD:
        value = getattr(spread, name)
        yield f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004  # where a decimal stops telling anything


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Columns aligned: the first three and the last two are words, what is between are numbers."""
    cells = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield (
            "  "
            + "  ".join(
                cell.rjust(width) if 3 <= index < 3 + len(_SPREAD) else cell.ljust(width)  # noqa: PLR2004  # the columns of words
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )
