"""What the program answered to a case: refused, equal, as written, or wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from campaign.children import CPU_SECONDS, PEAK_BYTES, Outcome

REFUSED, EQUAL, AS_WRITTEN, WRONG = "refused", "equal", "as written", "WRONG"
VERDICTS = (REFUSED, EQUAL, AS_WRITTEN, WRONG)
_LONGEST_SENTENCE = 1200  # characters; a path may be long, a traceback or a page of usage is longer


@dataclass(frozen=True)
class Verdict:
    """What became of a case.

    Attributes:
        word: ``refused``, ``equal``, ``as written`` or ``WRONG``.
        why: of a wrong one, what is wrong; of a refused one, the sentence.
    """

    word: str
    why: str = ""


def fault_of(outcome: Outcome) -> str | None:
    """What is wrong with an answer whatever it says; None where nothing is."""
    if outcome.hung:
        return "hangs"
    if "Traceback (most recent call last)" in outcome.err:
        return f"traceback: {outcome.err.strip().splitlines()[-1]}"
    if outcome.cpu_seconds > CPU_SECONDS:
        return f"took {outcome.cpu_seconds:.0f} s of the processor"
    if outcome.code < 0:
        return f"killed by signal {-outcome.code}"
    if outcome.peak_bytes > PEAK_BYTES:
        return f"took {outcome.peak_bytes / 2**30:.1f} GiB"
    return fault_of_refusal(outcome.err) if outcome.code else None


def fault_of_refusal(err: str) -> str | None:
    """What is wrong with the way in which a command refuses; None where nothing is."""
    sentence = sentence_of(err)
    if not sentence:
        return "ended without a word"
    if len(sentence) > _LONGEST_SENTENCE:
        return f"a sentence of {len(sentence)} characters"
    control = [character for character in sentence if not character.isprintable()]
    return f"a sentence with {control[0]!r}" if control else None


def sentence_of(err: str) -> str:
    """The sentence that a command ends with: the last line of what it says."""
    lines = [line for line in err.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def snapshot(folder: Path) -> dict[str, int]:
    """A checksum of every file below a folder, by its place; links and pipes are not followed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = crc32(str(path.readlink()).encode())
        elif path.is_file():
            found[str(path.relative_to(folder))] = crc32(path.read_bytes())
        elif not path.is_dir():
            found[str(path.relative_to(folder))] = 0
    return found


def changed(before: Mapping[str, int], after: Mapping[str, int], may_change: tuple[str, ...]) -> list[str]:
    """Files that were made, changed or lost, but for those below places that may change."""
    return sorted(
        name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name) and not any(f"{name}/".startswith(f"{place}/") for place in may_change)
    )
