"""What `python -m benchmarks.results` trains: stores, and rows of a table, in the order in which they are trained."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

DERIVE = "pipeline.training.derive"
PRETRAIN = "pipeline.training.pretraining"


@dataclass(frozen=True)
class Stores:
    """Stores that rows are trained on.

    Attributes:
        recordings: folder of the data set, within the folder of all.
        words: of create_images.py, but for ``--data`` and ``--out``.
    """

    recordings: str
    words: str


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        study: whose table.
        name: of its run's folder, before the seed.
        title: what the table calls it.
        store: one of ``STORES``.
        words: of its command, but for seed, store and folder; ``@NAME`` is the run of the row NAME, of the same seed,
            and ``@NAME:+1`` that of the next one.
        judged: ``out_of_fold`` or ``test``; nothing where others alone need it.
        figure: of ``agreement.AGREEMENT``, or a mean over classes, as ``macro f1`` or ``macro auroc``.
        published: by whoever published one, for a like question.
        digits: behind the point, of the figure.
        is_for_gpu: whether a CPU would take more than an hour of a seed.
        over: rows that it is compared with, over the same patients, where its figure is a mean AUROC.
        command: ``train.py``, ``PRETRAIN``, or ``DERIVE`` of one that answers another task with the weights of a row
            before it.
    """

    study: str
    name: str
    title: str
    store: str
    words: str
    judged: str
    figure: str
    published: str = ""
    digits: int = field(default=3, kw_only=True)
    is_for_gpu: bool = field(default=False, kw_only=True)
    over: tuple[str, ...] = field(default=(), kw_only=True)
    command: str = field(default="train.py", kw_only=True)


STUDIES = {
    "ptbxl": "PTB-XL, superclasses, folds 1–7 to train, 8 for dev, 9 to report",
    "networks": "PTB-XL, every network at one budget: three epochs of batches of 32, crops of 2.5 s, folds as above",
    "pretraining": "PTB-XL, superclasses, with and without pretraining on folds 1–7, 8 for dev, 9 to report",
    "weights": "PTB-XL, folds 1–8 to train, 9 for dev: what weights/ holds",
    "mitdb": "MIT-BIH, patients of DS1",
    "infarction": "Infarction from single beats of PTB-XL, lead II",
    "cinc2017": "CinC 2017, rhythms N, O and A",
}
"""Each with the heading of its table."""

STORES = {
    "ptbxl": Stores("ptbxl", "--source ptbxl --representations none --folds train=1-7 dev=8 test=9"),
    "ptbxl-1-8": Stores("ptbxl", "--source ptbxl --representations none --folds train=1-8 dev=9"),
    "ds1": Stores("mitdb", "--source mitdb --representations none --sampling_rate 180"),
    "ds1-mixed": Stores("mitdb", "--source mitdb --representations none --sampling_rate 180 --folds intra_patient"),
    "heartbeats": Stores("mitdb", "--source mitdb --beat kachuee --representations none"),
    "infarction": Stores(
        "ptbxl",
        "--source ptbxl --tasks mi --beat kachuee --folds train=1-7 dev=8 test=9 --representations none",
    ),
    "cinc2017": Stores("cinc2017", "--source cinc2017 --representations none --sampling_rate 150"),
    "cinc2017-5s": Stores("cinc2017", "--source cinc2017 --representations none --window 5 --stride 2.5"),
}


_SIGNAL = "-config recipes/ptbxl_signal.toml"
_BEAT = "-config recipes/ptbxl_beat.toml"
_ALONE = "-learn superdiagnostic"  # the five superclasses as the only outputs


def _ptbxl() -> list[Row]:
    """Step by step, each beside what it changes: outputs, width of the beat's network, and fusions."""
    asked = (
        ("signal", "`resnet1d_wang`, 24 epochs, 71 + 5 outputs", _SIGNAL, ".930–.934"),
        ("signal-5", "the same, 5 outputs", f"{_SIGNAL} {_ALONE}", ".930"),
        ("signal-changed", "71 + 5 outputs, changed at random, mean over steps", f"{_SIGNAL} {_CHANGED}", ""),
        ("signal-cpc", "71 + 5 outputs, behind `cpc`", f"{_SIGNAL} -init @pre-cpc -init_learning_rate 1e-3", ""),
        ("inception", "`inception1d`, 12 epochs, 71 + 5 outputs", _INCEPTION, ".921"),
        ("beat-16", "median beat, `resnet`, 16 filters, 5 outputs", _BEAT_PLAIN, ""),
        ("beat-32", "the same, 32 filters", f"{_BEAT_PLAIN} -nb_filters 32", ""),
        ("beat-16-learn", "16 filters, 71 + 5 outputs", f"{_BEAT_PLAIN} {_LEARN}", ""),
        ("beat", "the same, changed at random, mean over steps", _BEAT, ".902 of images"),
        ("beat-channels", "the same and two further channels", f"{_BEAT} -beat_channels {_CHANNELS}", ""),
        ("fused", "signal + beat, mean", "-model late -combine mean -branches @signal @beat", ".924 of both"),
        ("fused-images", "signal + beat + `beat-16`, mean", _IMAGES, ""),
        ("rhythm", "rhythm: `resnet1d_wang`, 5 s, and RR intervals", "-config recipes/ptbxl_rhythm.toml", ".957"),
        ("two-signals", "its control: two signal networks, mean", _TWO_SIGNALS, ""),
    )
    heavy = (
        ("s4d", "`s4d` as published, 71 + 5 outputs", f"-model s4d -crop 2.5 -epochs 30 {_LEARN}", ".932–.934"),
        (
            "xresnet1d101",
            "`xresnet1d101`, 71 + 5 outputs",
            f"-model xresnet1d101 -crop 2.5 -epochs 24 {_LEARN}",
            ".928",
        ),
    )
    third = ("three", "signal + beat + `s4d`, mean", "-model late -combine mean -branches @signal @beat @s4d", "")
    over = {
        "signal": ("signal-5",),
        "signal-changed": ("signal",),
        "signal-cpc": ("signal",),
        "inception": ("signal",),
        "beat": ("beat-16-learn", "beat-16"),
        "beat-32": ("beat-16",),
        "beat-16-learn": ("beat-16",),
        "beat-channels": ("beat",),
        "fused": ("signal", "beat", "two-signals"),
        "fused-images": ("fused", "signal"),
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


NETWORKS = (
    "cnn_gru",
    "cnn_lstm",
    "compact_transformer",
    "fcn_wang",
    "resnet1d_wang",
    "inception1d",
    "convnext1d",
    "gru",
    "gru_attention",
    "lstm",
    "bigru",
    "bilstm",
    "lstm_bidir",
    "lstm_pooled",
    "lead_transformer",
    "ecg_transformer",
    "basic_cnn",
    "resnet_like_x3",
    "resnet_like_x4",
    "smaller_resnet_4x2",
    "smaller_resnet_4x3",
    "identity_resnet_4x2",
    "identity_resnet_8x2",
    "rhythm_resnet",
    "rhythm_transformer",
    "mina",
    "dual_path_rnn",
    "mrtnet",
    "resnet18_1d",
    "mobilenet_v2_1d",
    "resnet34_1d",
    "se_ecgnet",
    "im_ecg",
    "ecgtransform",
    "lightconv_transformer",
    "mpgt",
    "ecgnet",
    "xresnet1d101",
    "token_selection",
    "db_ecgnet",
    "meta_ecgnet",
    "inception_former",
    "mvms",
    "s4d",
)
"""All that see a signal of any length, but for those of single heartbeats."""

_TOO_SLOW = ("s4d",)
BATCH_SIZE = 32  # of every one of them
_TASKS = ("all", "diagnostic", "subdiagnostic", "form", "rhythm")


def crop_of(network: str) -> float:
    """What a network sees of a record, in s: one of them finds 2.5 too short."""
    return 10.0 if network == "basic_cnn" else 2.5


def _other_tasks() -> list[Row]:
    """What the networks of the first study say of the other tasks, alone and together, without further training."""
    rows = []
    for task in _TASKS:
        of_both = f"-model late -combine mean -branches @signal-{task} @beat-{task}"
        rows += [
            _derived("ptbxl", "signal", "signal", task),
            _derived("ptbxl", "beat", "beat", task),
            Row(
                "ptbxl",
                f"fused-{task}",
                f"fused: {task}",
                "ptbxl",
                of_both,
                "test",
                "macro auroc",
                digits=4,
                over=(f"signal-{task}",),
            ),
        ]
    return rows


def _networks() -> list[Row]:
    """Every network at one budget, and what it says of rhythms with the same weights."""
    budget = f"-epochs 3 -patience 3 -batch_size {BATCH_SIZE} -precision bf16 {_LEARN}"
    rows = []
    for name in NETWORKS:
        is_slow, crop = name in _TOO_SLOW, crop_of(name)
        title = f"`{name}`" if crop == 2.5 else f"`{name}`, {crop:g} s"
        trained = _judged("networks", f"net-{name}", title, f"-model {name} -crop {crop:g} {budget}")
        rows += [
            replace(row, is_for_gpu=is_slow)
            for row in (trained, _derived("networks", trained.name, trained.title, "rhythm"))
        ]
    return rows


_PRETRAINED = {
    "jepa": ("ecg_transformer", "-crop 2.5 -epochs 4"),
    "cpc": ("resnet1d_wang", "-crop 2.5 -epochs 4"),
    "clocs": ("resnet1d_wang", "-crop 5 -epochs 4"),  # each view is half of it
    "st_mem": ("lead_transformer", "-crop 2.5 -epochs 8"),
}
"""By method: its network, and how long it is pretrained, in about as many minutes each."""

_LABELLED = {
    "1": "-limit 150 -batch_size 16 -epochs 20 -patience 20",
    "10": "-limit 1495 -batch_size 32 -epochs 8 -patience 8",
    "100": "-epochs 3 -patience 3",
}
"""By percents of the training folds' labels: what a training takes, 200 to 380 steps."""


def _pretraining() -> list[Row]:
    """What each method gives to a training with few and with all labels, beside the same training of fresh weights.

    A sample of 400 items of dev chooses the epoch, whatever the share.
    """
    study, precision = "pretraining", "-precision bf16"
    rows = [
        Row(study, f"pre-{method}", "", "ptbxl", f"-method {method} {words} {precision}", "", "", command=PRETRAIN)
        for method, (_, words) in _PRETRAINED.items()
    ]
    networks = dict.fromkeys(network for network, _ in _PRETRAINED.values())
    for percent, words in _LABELLED.items():
        training = f"-crop 2.5 {words} -dev_limit 400 {precision} -task superdiagnostic"
        share = f"{percent} % of the labels"
        rows += [
            _judged(study, f"fresh-{network}-{percent}", f"`{network}`, {share}, fresh", f"-model {network} {training}")
            for network in networks
        ]
        rows += [
            replace(
                _judged(
                    study,
                    f"{method}-{percent}",
                    f"`{network}`, {share}, `{method}`",
                    f"-init @pre-{method} -init_learning_rate 1e-3 {training}",
                ),
                over=(f"fresh-{network}-{percent}",),
            )
            for method, (network, _) in _PRETRAINED.items()
        ]
    return rows


def _judged(study: str, name: str, title: str, words: str) -> Row:
    """A training on PTB-XL whose mean AUROC is told."""
    return Row(study, name, title, "ptbxl", words, "test", "macro auroc", digits=4)


def _derived(study: str, name: str, title: str, task: str) -> Row:
    """A row of another task, which the run of the row ``name`` answers, too."""
    words = f"-run @{name} -task {task}"
    return replace(_judged(study, f"{name}-{task}", f"{title}: {task}", words), command=DERIVE)


_LEARN = "-task superdiagnostic -learn all superdiagnostic"
_CHANNELS = "dominant ectopic deviation"
_BEAT_PLAIN = (
    "-model resnet -nb_filters 16 -leads all -beat -representation lead_map -size 80 -task superdiagnostic "
    "-epochs 12 -patience 12 -precision bf16"
)
_CHANGED = "-augment noise scaling lead_dropout time_shift -ema 0.995"
_INCEPTION = f"-model inception1d -crop 2.5 -epochs 12 -patience 12 -precision bf16 {_LEARN}"
_IMAGES = "-model late -combine mean -branches @signal @beat @beat-16"
_TWO_SIGNALS = "-model late -combine mean -branches @signal @signal:+1"


def _weights() -> list[Row]:
    """Trained on more folds, with nothing left to report on but dev, where it is optimistic."""
    asked = (
        ("weights-signal", "signal", _SIGNAL),
        ("weights-beat", "image", _BEAT),
        ("weights-beat-16", "image, 5 outputs, not changed at random", _BEAT_PLAIN),
        (
            "weights-fused",
            "signal + both images, mean",
            "-model late -combine mean -branches @weights-signal @weights-beat @weights-beat-16",
        ),
        ("weights-three-leads", "signal, leads I II V2", "-config recipes/ptbxl_three_leads.toml"),
        ("weights-one-lead", "signal, lead I", "-config recipes/ptbxl_one_lead.toml"),
        ("weights-rhythm", "rhythm", "-config recipes/ptbxl_rhythm.toml"),
    )
    return [Row("weights", *row[:2], "ptbxl-1-8", row[2], "dev", "macro auroc", digits=4) for row in asked]


def _mitdb() -> list[Row]:
    """Beats of one lead, with and without RR intervals: patients left out, and mixed as in the well-known files.

    Where patients are left out, rate, dropout and normalisation were chosen on the dev patients, among nine trainings;
    so held back, a network learns next to nothing of patients that it has seen, for which the published ones stand.
    """
    network = "-model heartbeat_cnn -leads MLII"
    held_back = f"{network} -normalise record -learning_rate 4e-4 -dropout 0.4 -kfold 5 -folds_seed 0"
    as_published = f"{network} -learning_rate 1e-3"
    protocols = (
        ("left-out", "ds1", held_back, 8, "out_of_fold", "macro f1", ".40–.70"),
        ("mixed", "ds1-mixed", as_published, 20, "test", "macro f1", ".90–.93"),
    )
    asked = [
        (f"{task}{'-rr' if features else ''}", f"beat{beside}, {classes}", f"-task {task} {features}".strip(), 1)
        for task, classes in (("aami4", "N S V F"), ("aami5", "N S V F Q"))
        for features, beside in (("", ""), ("-features rr", " and RR"))
    ]
    asked += [
        (f"aami4-{name}", f"beat, N S V F, {what}", f"-task aami4 {words}", size) for name, what, words, size in _RARE
    ]
    return [
        Row(
            "mitdb",
            f"{name}-{way}",
            f"{what}, patients {way.replace('-', ' ')}",
            store,
            f"{how} -epochs {epochs // size} {words}",
            *rest,
        )
        for name, what, words, size in asked
        for way, store, how, epochs, *rest in protocols
    ]


_RARE = (
    ("weights", "class weights", "-class_weights balanced", 1),
    ("balanced", "classes drawn equally often", "-sampling balanced", 1),
    ("smote", "SMOTE", "-sampling smote", 4),
)
"""What is to make rare classes count more, and about how many times as many steps it makes of an epoch."""


def _infarction() -> list[Row]:
    """From fresh weights, and from those of a network of MIT-BIH's heartbeats: frozen, or learning on."""
    network = "-model heartbeat_cnn -learning_rate 3e-3 -epochs 10"
    ways = {
        "infarction_scratch": ("fresh weights", "", ".988"),
        "infarction_frozen": ("frozen but for the last layer", "-init @heartbeats -freeze features", ".969"),
        "infarction_finetuned": ("fine-tuned at a tenth of the rate", "-init @heartbeats", ".994"),
        "infarction_finetuned_full": (
            "fine-tuned at the full rate",
            "-init @heartbeats -init_learning_rate 3e-3",
            ".994",
        ),
    }
    origin = f"{network} -task aami5 -leads MLII"
    rows = [Row("infarction", "heartbeats", "where it begins: beats of MIT-BIH", "heartbeats", origin, "", "macro f1")]
    for figure in ("macro f1", "macro auroc"):
        for name, (title, words, published) in ways.items():
            words = f"{network} -task mi -leads II {words}"
            reported = published if figure == "macro f1" else ""
            rows.append(Row("infarction", name, title, "infarction", words, "test", figure, reported))
    return rows


CINC2017_PUBLISHED = {
    "smaller_resnet_4x2": ".797 .802 .795",
    "smaller_resnet_4x3": ".796 .782 .790",
    "identity_resnet_8x2": ".757 .764 .793",
    "identity_resnet_4x2": ".807 .776 .791",
    "resnet_like_x4": ".740 .777 .750",
    "resnet_like_x3": ".715 .770 .775",
    "basic_cnn": ".742 .785 .779",
    "compact_transformer": ".543, two not a number",
}
"""F1 of three seeds on 818 records without noisy ones, smallest network first; each went through a regression fitted on
training records."""


def _cinc2017() -> list[Row]:
    study, f1 = "cinc2017", "cinc2017_f1"
    own = [
        Row(study, model, f"`{model}`, whole records", study, f"-model {model} -epochs 16 -patience 16", "test", f1)
        for model in ("rhythm_resnet", "rhythm_transformer")
    ]
    drawn = "-representation stft -crop 9 -stride 4.5 -size 64 -nb_filters 16 -epochs 10 -precision bf16"
    fused = [
        Row(study, "stft", "`resnet` on spectrograms of 9 s", study, f"-model resnet {drawn}", "test", f1),
        _late("rhythm_resnet-stft", "`rhythm_resnet` + spectrograms, mean", "@rhythm_resnet @stft"),
        _late("rhythm_resnet-two", "its control: two `rhythm_resnet`, mean", "@rhythm_resnet @rhythm_resnet:+1"),
        _late("rhythm_resnet-mean", "three `rhythm_resnet`, mean", _THREE),
        _late("rhythm_resnet-stacked", "three `rhythm_resnet`, regression on nine values", _THREE, "stacking"),
    ]
    windows = "-join geometric -epochs 3 -patience 3 -precision bf16"
    published = [
        Row(study, model, f"`{model}`, 5 s", "cinc2017-5s", f"-model {model} {head} {windows}", "test", f1, figures)
        for model, figures in CINC2017_PUBLISHED.items()
        for head in ["" if model == "compact_transformer" else "-head flatten"]
    ]
    shorter = "-epochs 8 -patience 8"  # than on all, for five trainings
    left_out = [
        *(
            Row(
                study, f"{row.name}-kfold", row.title, study, f"-model {row.name} {shorter} -kfold 5", "out_of_fold", f1
            )
            for row in own
        ),
        *(
            Row(
                study,
                f"{row.name}-kfold",
                row.title,
                row.store,
                f"{row.words} -kfold 5",
                "out_of_fold",
                f1,
                row.published,
            )
            for row in published
        ),
    ]
    return [*own, *fused, *published, *left_out]


_THREE = "@rhythm_resnet @rhythm_resnet:+1 @rhythm_resnet:+2"


def _late(name: str, title: str, branches: str, combine: str = "mean") -> Row:
    words = f"-model late -combine {combine} -branches {branches}"
    return Row("cinc2017", name, title, "cinc2017", words, "test", "cinc2017_f1")


ROWS: Sequence[Row] = (
    *(*_ptbxl(), *_other_tasks(), *_networks(), *_pretraining(), *_weights()),
    *(*_mitdb(), *_infarction(), *_cinc2017()),
)
