"""Words and values that nobody expects."""

from typing import Any

NASTY_WORDS = (
    *("", " ", "nan", "NaN", "inf", "-inf", "None", "null", "-1", "0", "1", "1.5", "300", "1e400", "-1e400", "1e18"),
    *(
        "99999999999999999999",
        "0x10",
        "1_000",
        "１２",
        "٣",
        "true",
        "..",
        "../../outside/canary.txt",
        "/etc/passwd",
        ".",
    ),
    *("a\tb", "a|b", "=1+1", "\x1b[31mred", "é", "\u202eabc", "'", '"', "{}", "[]", "{", "%s%n", "$HOME", "-" * 2000),
)
NASTY_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1.5, 1e18, 10**30, -0.0, float("nan"), float("inf"), "", "..", "../../outside"),
    *("/etc/passwd", "\x1b[31m", "a\nb", "é", "x" * 3000, [], {}, [1, 2, 3], {"a": 1}, [[]], [None], "mi", "NORM"),
)
