"""Writes a trained run as one file that other programs run: millivolts in, probabilities out.

model.onnx is for onnxruntime and needs neither torch nor this program; model.pt2 is what torch.export keeps. Filter,
resampling, rounding to int16, images, networks and fusions are inside. Not a medical device.

    python -m pipeline.export runs/resnet1d_wang model.onnx
"""

from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.parser import CommandParser, positive_float, run_command
from pipeline.commands.terminal import Terminal, say_loading, told_to
from pipeline.machine.streams import say


@told_to(Terminal)
def main(words: Sequence[str] | None = None) -> None:
    """Writes the file and says what it takes."""
    parser = CommandParser(prog="python -m pipeline.export", description=__doc__)
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a finished run")
    parser.add_argument("path", metavar="FILE", type=Path, help="what is written: model.onnx or model.pt2")
    parser.option(
        "sampling_rate", type=positive_float, help="of the recordings that go in, Hz (default: the run's own)"
    )
    parser.option("seconds", type=positive_float, help="their length, s (default: that of the training's items)")
    parser.option(
        "prepared",
        action="store_true",
        help="they are filtered and at the run's rate already, as a store holds them: nothing is filtered inside",
    )
    options = parser.parse_args(words)
    say_loading()
    from pipeline.export.run import export_run

    done = export_run(
        options.run,
        options.path,
        sampling_rate=options.sampling_rate,
        seconds=options.seconds,
        prepared=options.prepared,
    )
    form, size = done.form, done.path.stat().st_size / 2**20
    say(f"{done.path}: {size:.1f} MiB, from {options.run} ({done.metadata['run_kind']}, {done.metadata['model']})")
    say(
        f"takes ecg_mv (n, {len(form.leads)}, {form.n_samples}) float64: {form.what}, mV at {form.native_rate:g} Hz, "
        f"leads {' '.join(form.leads)}"
    )
    for name, numbers in form.features.items():
        say(f"and {name} (n, {numbers}) float32, NaN where one is not known")
    say(f"gives probabilities (n, {len(done.metadata['classes'])}) float32: {' '.join(done.metadata['classes'])}")
    say(f"its answers to noise are within {done.apart:.1g} of the run's; {done.metadata['notice']}")


if __name__ == "__main__":
    run_command(main)
