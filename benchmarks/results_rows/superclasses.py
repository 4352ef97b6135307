"""Superclasses of PTB-XL, step by step; what the same weights say of other tasks; and the weights that are kept."""

from dataclasses import replace

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
_LONG = "-epochs 24 -patience 24 -mixup 0.2"
_TAUGHT = "-teacher @fused-four"
_NUMBERS = "-config recipes/ptbxl_all.toml"
_BEAT_PLAIN = "-config recipes/ptbxl_beat_plain.toml"
_AUGMENT = "-augment noise scaling lead_dropout time_shift"
_CHANGED = f"{_AUGMENT} -ema 0.995"
_ALL_LEADS = "-augment noise scaling time_shift"  # a lead stands in several places of what is below
_INCEPTION = f"-model inception1d -crop 2.5 -epochs 12 -patience 12 -precision bf16 {LEARN}"
_MEAN = "-model late -combine mean -branches"
_IMAGES = f"{_MEAN} @signal @beat @beat-16"
_SCALES = "@beat @beat-close @beat-wider"


def steps() -> list[Row]:
    """Step by step, each beside what it changes: outputs, width of the beat's network, and fusions."""
    asked = (
        ("signal", "`resnet1d_wang`, 24 epochs, 71 + 5 outputs", _SIGNAL, ".930–.934"),
        ("signal-5", "the same, 5 outputs", f"{_SIGNAL} {_ALONE}", ".930"),
        ("signal-changed", "71 + 5 outputs, changed at random, mean over steps", f"{_SIGNAL} {_CHANGED}", ""),
        ("signal-cpc", "71 + 5 outputs, behind `cpc`", f"{_SIGNAL} -init @pre-cpc -init_learning_rate 1e-3", ""),
        ("inception", "`inception1d`, 12 epochs, 71 + 5 outputs", _INCEPTION, ".921"),
        ("meta", "`meta_ecgnet`, five ninths as wide, 9 epochs, 71 + 5 outputs", _META, ""),
        ("meta-changed", "12 epochs, changed at random, mean over steps", f"{_META} {_CHANGED} {_TWELVE}", ""),
        ("beat-16", "median beat, `resnet`, 16 filters, 5 outputs", _BEAT_PLAIN, ""),
        ("beat-32", "the same, 32 filters", f"{_BEAT_PLAIN} -nb_filters 32", ""),
        ("beat-16-learn", "16 filters, 71 + 5 outputs", f"{_BEAT_PLAIN} {LEARN}", ""),
        ("beat", "the same, changed at random, mean over steps", _BEAT, ".902 of images"),
        ("beat-long", "the same, 24 epochs, items mixed in pairs", f"{_BEAT} {_LONG}", ""),
        ("beat-leads", "12 epochs, no lead left out", f"{_BEAT} {_ALL_LEADS}", ""),
        ("beat-ema", "learnt as it is, mean over steps", f"{_BEAT_PLAIN} {LEARN} -ema 0.995", ""),
        ("beat-augment", "changed at random, no mean over steps", f"{_BEAT_PLAIN} {LEARN} {_AUGMENT}", ""),
        ("beat-26", "12 epochs, 26 layers", f"{_BEAT} -set depth=26", ""),
        ("beat-101", "12 epochs, 101 layers", f"{_BEAT} -set depth=101", ""),
        ("beat-channels", "so, and two further channels", f"{_BEAT} {_ALL_LEADS} -beat_channels {_CHANNELS}", ""),
        ("beat-strip", "so, and ten seconds of II", f"{_BEAT} {_ALL_LEADS} -strip II", ""),
        ("beat-close", "12 epochs, from 0.1 s before R to 0.4 s behind", f"{_BEAT} -beat_extent 0.1 0.4 -size 50", ""),
        ("beat-wider", "12 epochs, from 0.5 s before R to 0.7 s behind", f"{_BEAT} -beat_extent 0.5 0.7 -size 120", ""),
        ("beat-stft", "12 epochs, its spectrograms", f"{_BEAT} {_SPECTROGRAM}", ""),
        ("beat-focal", "12 epochs, focal loss", f"{_BEAT} -loss focal", ""),
        ("beat-asymmetric", "12 epochs, asymmetric loss", f"{_BEAT} -loss asymmetric", ""),
        ("beat-smooth", "12 epochs, labels smoothed", f"{_BEAT} -label_smoothing 0.1", ""),
        ("beat-mixup", "12 epochs, items mixed in pairs", f"{_BEAT} -mixup 0.2", ""),
        ("beat-voltage", "12 epochs, and voltages as numbers", f"{_BEAT} -features voltage", ""),
        ("beat-kfold", "12 epochs, mean of four members", f"{_BEAT} -kfold 4", ""),
        ("signal-tabular", "signal, and age, sex and intervals as numbers", f"{_SIGNAL} -features tabular", ""),
        ("fused", "signal + beat, mean", f"{_MEAN} @signal @beat", ".924 of both"),
        ("fused-images", "signal + beat + `beat-16`, mean", _IMAGES, ""),
        ("fused-four", "the same and `meta_ecgnet`, mean", f"{_IMAGES} @meta", ""),
        ("fused-meta", "`meta_ecgnet` + beat, mean", f"{_MEAN} @meta @beat", ""),
        ("fused-logits", "the same, mean of log-odds", f"{_MEAN} @meta @beat -fuse_on logits", ""),
        ("fused-kfold", "`meta_ecgnet` + `beat-kfold`, mean", f"{_MEAN} @meta @beat-kfold", ""),
        ("two-metas", "its control: two `meta_ecgnet`, mean", f"{_MEAN} @meta @meta:+1", ""),
        ("fused-twice", "two `meta_ecgnet` + two beats, mean", f"{_MEAN} @meta @meta:+1 @beat @beat:+1", ""),
        ("scales", "beat, `beat-close` and `beat-wider`, mean", f"{_MEAN} {_SCALES}", ""),
        ("fused-scales", "`meta_ecgnet` + these three, mean", f"{_MEAN} @meta {_SCALES}", ""),
        ("signal-taught", "signal, taught by these four", f"{_SIGNAL} {_TAUGHT}", ""),
        ("meta-taught", "`meta_ecgnet`, taught by these four, 8 epochs", f"{_META} {_TAUGHT} {_EIGHT}", ""),
        ("beat-taught", "beat, taught by these four", f"{_BEAT} {_TAUGHT}", ""),
        ("three-leads", "signal, leads I II V2", _THREE_LEADS, ".797 at .810"),
        ("one-lead", "signal, lead I", _ONE_LEAD, ""),
        ("rhythm", "rhythm: `resnet1d_wang`, 5 s, and RR intervals", "-config recipes/ptbxl_rhythm.toml", ".957"),
        ("two-signals", "control: two signal networks, mean", f"{_MEAN} @signal @signal:+1", ""),
    )
    heavy = (
        ("s4d", "`s4d` as published, 71 + 5 outputs", f"-model s4d -crop 2.5 -epochs 30 {LEARN}", ".932–.934"),
        (
            "xresnet1d101",
            "`xresnet1d101`, 71 + 5 outputs",
            f"-model xresnet1d101 -crop 2.5 -epochs 24 {LEARN}",
            ".928",
        ),
    )
    third = ("three", "signal + beat + `s4d`, mean", f"{_MEAN} @signal @beat @s4d", "")
    over = {
        "signal": ("signal-5",),
        "signal-changed": ("signal",),
        "signal-cpc": ("signal",),
        "inception": ("signal",),
        "meta": ("signal",),
        "meta-changed": ("meta",),
        "beat": ("beat-16-learn", "beat-16"),
        "beat-32": ("beat-16",),
        "beat-16-learn": ("beat-16",),
        "beat-long": ("beat",),
        "beat-leads": ("beat",),
        "beat-ema": ("beat-16-learn",),
        "beat-augment": ("beat-16-learn",),
        "beat-26": ("beat",),
        "beat-101": ("beat",),
        "beat-channels": ("beat-leads", "beat"),
        "beat-strip": ("beat-leads", "beat"),
        "beat-kfold": ("beat",),
        "beat-close": ("beat",),
        "beat-wider": ("beat",),
        "beat-stft": ("beat",),
        "beat-focal": ("beat",),
        "beat-asymmetric": ("beat",),
        "beat-smooth": ("beat",),
        "beat-mixup": ("beat",),
        "beat-voltage": ("beat",),
        "signal-tabular": ("signal",),
        "signal-taught": ("signal",),
        "meta-taught": ("meta",),
        "beat-taught": ("beat",),
        "fused": ("signal", "beat", "two-signals"),
        "fused-images": ("fused", "signal"),
        "fused-four": ("fused-images", "meta"),
        "fused-meta": ("two-metas", "meta", "beat", "fused-four"),
        "fused-logits": ("fused-meta",),
        "fused-kfold": ("fused-meta",),
        "two-metas": ("meta",),
        "fused-twice": ("fused-meta", "two-metas"),
        "scales": ("beat",),
        "fused-scales": ("fused-meta",),
        "two-signals": ("signal",),
        "three": ("fused",),
    }
    return [
        Row(
            "ptbxl",
            name,
            title,
            "ptbxl",
            words,
            "test",
            "macro auroc",
            published,
            digits=4,
            is_for_gpu=of_gpu,
            over=over.get(name, ()),
        )
        for rows, of_gpu in (((*heavy, third), True), (asked, False))
        for name, title, words, published in rows
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
