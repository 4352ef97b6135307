"""Heartbeats of MIT-BIH, infarction from single beats, and the rhythms of CinC 2017."""

from benchmarks.results_rows.row import Row


def mitdb() -> list[Row]:
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


def infarction() -> list[Row]:
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


def cinc2017() -> list[Row]:
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
