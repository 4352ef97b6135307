"""Every network on signals at one budget."""

from benchmarks.results_rows.row import LEARN, Row, derived, judged

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

OPTIONS = {"s4d": {"d_model": 256, "stem_stride": 4}}
"""Of those that would take hours of a CPU as they are published."""

BATCH_SIZE = 32  # of every one of them


def crop_of(network: str) -> float:
    """What a network sees of a record, in s: one of them finds 2.5 too short."""
    return 10.0 if network == "basic_cnn" else 2.5


def networks() -> list[Row]:
    """Every network at one budget, and what it says of rhythms with the same weights."""
    budget = f"-epochs 3 -patience 3 -batch_size {BATCH_SIZE} -precision bf16 {LEARN}"
    rows = []
    for name in NETWORKS:
        crop, options = crop_of(name), [f"{option}={value}" for option, value in OPTIONS.get(name, {}).items()]
        title = ", ".join([f"`{name}`", *options, *([] if crop == 2.5 else [f"{crop:g} s"])])
        words = f"-model {name} " + (f"-set {' '.join(options)} " if options else "") + f"-crop {crop:g} {budget}"
        trained = judged("networks", f"net-{name}", title, words)
        rows += [trained, derived("networks", trained.name, trained.title, "rhythm")]
    return rows
