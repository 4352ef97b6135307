"""Superclasses of PTB-XL, step by step; what the same weights say of other tasks; and the weights that are kept."""

from dataclasses import replace
from typing import Any

from benchmarks.results_rows.row import LEARN, Row, derived, judged

_TASKS = ("all", "diagnostic", "subdiagnostic", "form", "rhythm", "disease")
_SIGNAL = "-config recipes/ptbxl_signal.toml"
_META = "-config recipes/ptbxl_meta.toml"
_BEAT = "-config recipes/ptbxl_beat.toml"
_THREE_LEADS, _ONE_LEAD = "-config recipes/ptbxl_three_leads.toml", "-config recipes/ptbxl_one_lead.toml"
_ALONE = "-learn superdiagnostic"  # the five superclasses as the only outputs
_SPECTROGRAM = "-representation stft -stft_window 0.16 -stft_hop 0.01 -size 64"
_CHANNELS = "dominant ectopic deviation"
_TWELVE = "-epochs 12 -patience 12"
_EIGHT = "-epochs 8 -patience 8"
_NINE = "-epochs 9 -patience 9"
_LONG = "-epochs 24 -patience 24 -mixup 0.2"
_TAUGHT = "-teacher @fused-four"
_NUMBERS = "-config recipes/ptbxl_all.toml"
_BEAT_PLAIN = "-config recipes/ptbxl_beat_plain.toml"
_AUGMENT = "-augment noise scaling lead_dropout time_shift"
_CHANGED = f"{_AUGMENT} -ema 0.995"
_ALL_LEADS = "-augment noise scaling time_shift"  # a lead stands in several places of what is below
_INCEPTION = f"-model inception1d -crop 2.5 -epochs 12 -patience 12 -precision bf16 {LEARN}"
_MEAN = "-model late -combine mean -branches"
_DB = f"-model db_ecgnet -set width=40 -crop 2.5 -stride 2.5 -batch_size 64 {_NINE} -precision bf16 {LEARN}"
_IMAGES = f"{_MEAN} @signal @beat @beat-16"
_SCALES = "@beat @beat-close @beat-wider"


def steps() -> list[Row]:
    """Step by step, each beside what it changes: outputs, width of the beat's network, and fusions."""
    return [*_heavy(), *_signals(), *_images(), *_fusions(), *_taught()]


def _step(name: str, title: str, over: str, words: str, **others: Any) -> Row:
    """A training, and the names of the rows that it is compared with."""
    return replace(judged("ptbxl", name, title, words), over=tuple(over.split()), **others)


def _heavy() -> list[Row]:
    """What a CPU would take too long for."""
    return [
        _step(
            "s4d",
            "`s4d` as published, 71 + 5 outputs",
            "",
            f"-model s4d -crop 2.5 -epochs 30 {LEARN}",
            published=".932–.934",
            is_for_gpu=True,
        ),
        _step(
            "xresnet1d101",
            "`xresnet1d101`, 71 + 5 outputs",
            "",
            f"-model xresnet1d101 -crop 2.5 -epochs 24 {LEARN}",
            published=".928",
            is_for_gpu=True,
        ),
        _step("three", "signal + beat + `s4d`, mean", "fused", f"{_MEAN} @signal @beat @s4d", is_for_gpu=True),
    ]


def _signals() -> list[Row]:
    """Networks of signals."""
    return [
        _step("signal", "`resnet1d_wang`, 24 epochs, 71 + 5 outputs", "signal-5", _SIGNAL, published=".930–.934"),
        _step("signal-5", "the same, 5 outputs", "", f"{_SIGNAL} {_ALONE}", published=".930"),
        _step(
            "signal-changed", "71 + 5 outputs, changed at random, mean over steps", "signal", f"{_SIGNAL} {_CHANGED}"
        ),
        _step(
            "signal-cpc", "71 + 5 outputs, behind `cpc`", "signal", f"{_SIGNAL} -init @pre-cpc -init_learning_rate 1e-3"
        ),
        _step("inception", "`inception1d`, 12 epochs, 71 + 5 outputs", "signal", _INCEPTION, published=".921"),
        _step("db", "`db_ecgnet`, five ninths as wide, 9 epochs, 71 + 5 outputs", "signal", _DB),
        _step("meta", "`meta_ecgnet`, five ninths as wide, 9 epochs, 71 + 5 outputs", "signal", _META),
        _step("meta-ema", "meta, mean over steps", "meta", f"{_META} -ema 0.995"),
        _step("meta-changed", "12 epochs, changed at random, mean over steps", "meta", f"{_META} {_CHANGED} {_TWELVE}"),
        _step(
            "signal-tabular",
            "signal, and age, sex and intervals as numbers",
            "signal",
            "-config recipes/ptbxl_signal_tabular.toml",
        ),
        _step("three-leads", "signal, leads I II V2", "", _THREE_LEADS, published=".797 at .810"),
        _step("one-lead", "signal, lead I", "", _ONE_LEAD),
        _step(
            "rhythm",
            "rhythm: `resnet1d_wang`, 5 s, and RR intervals",
            "",
            "-config recipes/ptbxl_rhythm.toml",
            published=".957",
        ),
    ]


def _images() -> list[Row]:
    """Networks of the image of the median beat."""
    return [
        _step("beat-16", "median beat, `resnet`, 16 filters, 5 outputs", "", _BEAT_PLAIN),
        _step("beat-32", "the same, 32 filters", "beat-16", f"{_BEAT_PLAIN} -nb_filters 32"),
        _step("beat-16-learn", "16 filters, 71 + 5 outputs", "beat-16", f"{_BEAT_PLAIN} {LEARN}"),
        _step(
            "beat",
            "the same, changed at random, mean over steps",
            "beat-ema beat-16-learn beat-16",
            _BEAT,
            published=".902 of images",
        ),
        _step("beat-long", "beat, 24 epochs, items mixed in pairs", "beat", f"{_BEAT} {_LONG}"),
        _step("beat-leads", "beat, no lead left out", "beat", f"{_BEAT} {_ALL_LEADS}"),
        _step("beat-ema", "beat-16-learn, mean over steps", "beat-16-learn", f"{_BEAT_PLAIN} {LEARN} -ema 0.995"),
        _step(
            "beat-augment",
            "beat-16-learn, changed at random",
            "beat-16-learn",
            f"{_BEAT_PLAIN} {LEARN} {_AUGMENT}",
        ),
        _step("beat-26", "beat, 26 layers", "beat", f"{_BEAT} -set depth=26"),
        _step("beat-101", "beat, 101 layers", "beat", f"{_BEAT} -set depth=101"),
        _step(
            "beat-channels",
            "beat, no lead left out, two further channels",
            "beat-leads beat",
            f"{_BEAT} {_ALL_LEADS} -beat_channels {_CHANNELS}",
        ),
        _step(
            "beat-strip",
            "beat, no lead left out, ten seconds of II",
            "beat-leads beat",
            f"{_BEAT} {_ALL_LEADS} -strip II",
        ),
        _step(
            "beat-close", "beat, from 0.1 s before R to 0.4 s behind", "beat", f"{_BEAT} -beat_extent 0.1 0.4 -size 50"
        ),
        _step(
            "beat-wider", "beat, from 0.5 s before R to 0.7 s behind", "beat", f"{_BEAT} -beat_extent 0.5 0.7 -size 120"
        ),
        _step("beat-stft", "beat, its spectrograms", "beat", f"{_BEAT} {_SPECTROGRAM}"),
        _step("beat-focal", "beat, focal loss", "beat", f"{_BEAT} -loss focal"),
        _step("beat-asymmetric", "beat, asymmetric loss", "beat", f"{_BEAT} -loss asymmetric"),
        _step("beat-smooth", "beat, labels smoothed", "beat", f"{_BEAT} -label_smoothing 0.1"),
        _step("beat-mixup", "beat, items mixed in pairs", "beat", f"{_BEAT} -mixup 0.2"),
        _step("beat-voltage", "beat, and voltages as numbers", "beat", f"{_BEAT} -features voltage"),
        _step("beat-kfold", "beat, mean of four members", "beat", f"{_BEAT} -kfold 4"),
    ]


def _fusions() -> list[Row]:
    """Means of these, and their controls."""
    return [
        _step(
            "fused",
            "signal + beat, mean",
            "signal beat two-signals",
            f"{_MEAN} @signal @beat",
            published=".924 of both",
        ),
        _step("fused-images", "signal + beat + `beat-16`, mean", "fused signal", _IMAGES),
        _step("fused-four", "the same and `meta_ecgnet`, mean", "fused-images meta", f"{_IMAGES} @meta"),
        _step("fused-meta", "`meta_ecgnet` + beat, mean", "two-metas meta beat fused-four", f"{_MEAN} @meta @beat"),
        _step("fused-logits", "the same, mean of log-odds", "fused-meta", f"{_MEAN} @meta @beat -fuse_on logits"),
        _step("fused-kfold", "`meta_ecgnet` + `beat-kfold`, mean", "fused-meta", f"{_MEAN} @meta @beat-kfold"),
        _step("fused-db", "`meta_ecgnet` + `db_ecgnet` + beat, mean", "fused-meta", f"{_MEAN} @meta @db @beat"),
        _step("fused-ema", "`meta-ema` + `beat-ema`, mean", "fused-meta", f"{_MEAN} @meta-ema @beat-ema"),
        _step("two-metas", "its control: two `meta_ecgnet`, mean", "meta", f"{_MEAN} @meta @meta:+1"),
        _step(
            "fused-twice",
            "two `meta_ecgnet` + two beats, mean",
            "fused-meta two-metas",
            f"{_MEAN} @meta @meta:+1 @beat @beat:+1",
        ),
        _step("scales", "beat, `beat-close` and `beat-wider`, mean", "beat", f"{_MEAN} {_SCALES}"),
        _step("fused-scales", "`meta_ecgnet` + these three, mean", "fused-meta", f"{_MEAN} @meta {_SCALES}"),
        _step("two-signals", "control: two signal networks, mean", "signal", f"{_MEAN} @signal @signal:+1"),
    ]


def _taught() -> list[Row]:
    """Networks that a fusion teaches."""
    return [
        _step("signal-taught", "signal, taught by these four", "signal", f"{_SIGNAL} {_TAUGHT}"),
        _step("meta-taught", "`meta_ecgnet`, taught by these four, 8 epochs", "meta", f"{_META} {_TAUGHT} {_EIGHT}"),
        _step("beat-taught", "beat, taught by these four", "beat", f"{_BEAT} {_TAUGHT}"),
    ]


def other_tasks() -> list[Row]:
    """What the networks of the first study say of the other tasks, alone and together, without further training."""
    rows = []
    for task in _TASKS:
        rows += [
            derived("ptbxl", name, title, task)
            for name, title in (("signal", "signal"), ("beat", "beat"), ("meta", "`meta_ecgnet`"))
        ]
        for name, title, branch in (
            ("fused", "signal + beat", "signal"),
            ("fused-meta", "`meta_ecgnet` + beat", "meta"),
        ):
            words = f"{_MEAN} @{branch}-{task} @beat-{task}"
            row = judged("ptbxl", f"{name}-{task}", f"{title}, mean: {task}", words)
            rows.append(replace(row, over=(f"{branch}-{task}",)))
    title = "`meta_ecgnet`, and rhythm, intervals and voltages as numbers"
    rows.append(replace(judged("ptbxl", "numbers", f"{title}: all", _NUMBERS), over=("meta-all",)))
    for task in ("superdiagnostic", *_TASKS[1:]):
        control = "meta" if task == "superdiagnostic" else f"meta-{task}"
        rows.append(replace(derived("ptbxl", "numbers", title, task), over=(control,)))
    return rows


def weights() -> list[Row]:
    """Trained on more folds, with nothing left to report on but dev, where it is optimistic."""
    asked = (
        ("weights-signal", "signal", _SIGNAL),
        ("weights-meta", "signal, `meta_ecgnet`", _META),
        ("weights-beat", "image", _BEAT),
        ("weights-beat-16", "image, 5 outputs, not changed at random", _BEAT_PLAIN),
        (
            "weights-fused",
            "both signals + both images, mean",
            f"{_MEAN} @weights-meta @weights-signal @weights-beat @weights-beat-16",
        ),
        ("weights-signal-taught", "`resnet1d_wang`, taught by the fused weights", f"{_SIGNAL} -teacher weights/fused"),
        ("weights-all", "all 71, `meta_ecgnet` with numbers of the whole record", _NUMBERS),
        ("weights-three-leads", "signal, leads I II V2", _THREE_LEADS),
        ("weights-one-lead", "signal, lead I", _ONE_LEAD),
        ("weights-rhythm", "rhythm", "-config recipes/ptbxl_rhythm.toml"),
    )
    return [Row("weights", *row[:2], "ptbxl-1-8", row[2], "dev", "macro auroc", digits=4) for row in asked]
