"""A sparkline: a small line without axes, drawn here as SVG so that it needs no script and prints. Not a chart to read values from."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH, HEIGHT, EDGE = 116, 26, 2


def sparkline(values: Sequence[int], *, what: str, bad: bool = False) -> SafeString:
    """The line of `values`, scaled to its own highest; its words for screen readers say the sum and the highest."""
    if not values or not any(values):
        return format_html('<span class="mut fs-s" aria-label="No {}">–</span>', what)
    points = _points(values)
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    area = f"{line}L{points[-1][0]:.1f} {HEIGHT}L{points[0][0]:.1f} {HEIGHT}Z"
    return format_html(
        '<svg class="chart" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}<path class="spark{}" d="{}"/></svg>',
        WIDTH,
        HEIGHT,
        WIDTH,
        HEIGHT,
        f"{sum(values)} {what} in {len(values)} hours, at most {max(values)} in one",
        "" if bad else format_html('<path class="spark-f" d="{}"/>', area),
        " bad" if bad else "",
        line,
    )


def _points(values: Sequence[int]) -> list[tuple[float, float]]:
    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    top = max(values)
    return [
        (EDGE + i * step, HEIGHT - EDGE - value / top * (HEIGHT - 2 * EDGE)) for i, value in enumerate(values)
    ]
