"""Every network on signals at one budget."""

from dataclasses import replace

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

_TOO_SLOW = ("s4d",)
BATCH_SIZE = 32  # of every one of them


def crop_of(network: str) -> float:
    """What a network sees of a record, in s: one of them finds 2.5 too short."""
    return 10.0 if network == "basic_cnn" else 2.5


def networks() -> list[Row]:
    """Every network at one budget, and what it says of rhythms with the same weights."""
    budget = f"-epochs 3 -patience 3 -batch_size {BATCH_SIZE} -precision bf16 {LEARN}"
    rows = []
    for name in NETWORKS:
        is_slow, crop = name in _TOO_SLOW, crop_of(name)
        title = f"`{name}`" if crop == 2.5 else f"`{name}`, {crop:g} s"
        trained = judged("networks", f"net-{name}", title, f"-model {name} -crop {crop:g} {budget}")
        rows += [
            replace(row, is_for_gpu=is_slow)
            for row in (trained, derived("networks", trained.name, trained.title, "rhythm"))
        ]
    return rows
