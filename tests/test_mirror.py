"""The tests mirror the rooms: each module has a test file of its own name, or is named here with who tests it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"

WITHOUT = {
    "explain/test_occlusion.py, explain/test_explain_command.py: files and records are asked there": (
        "pipeline/explain/subject.py",
    ),
    "test_predict_command.py, explain/test_explain_command.py: both commands that have the options": (
        "pipeline/commands/file_options.py",
    ),
    "export/test_run.py: what is written is tried whole": (
        "pipeline/export/form.py",
        "pipeline/export/graph.py",
        "pipeline/export/metadata.py",
        "pipeline/export/onnx_file.py",
        "pipeline/export/pt2_file.py",
        "pipeline/export/seeing.py",
        "pipeline/export/whole.py",
    ),
    "representations/test_stft.py, export/test_run.py: images in a graph": ("pipeline/representations/recorded.py",),
    "training/test_losses.py: the losses themselves": ("pipeline/training/loss_modules.py",),
    "models/fusion/test_fusion_contract.py, models/fusion/test_intermediate.py: every fusion is tried there": (
        "models/fusion/attention.py",
        "models/fusion/concat.py",
        "models/fusion/gated.py",
    ),
    "models/fusion/test_intermediate.py: every fusion is tried there": ("models/fusion/branches.py",),
    "models/test_base.py, models/test_image_networks.py: every network of the registry is tried there": (
        "models/image/alexnet.py",
        "models/image/cnn.py",
        "models/image/mobilenet.py",
        "models/image/resnet.py",
        "models/image/vgg.py",
    ),
    "models/image/test_torchvision_classifiers.py: the one user of it": ("models/image/first_layer.py",),
    "models/test_image_networks.py, models/test_registry.py: every network of the registry is tried there": (
        "models/layers.py",
    ),
    "models/test_base.py, models/test_signal_networks.py: every network of the registry is tried there": (
        "models/signal/attention_pooled.py",
        "models/signal/convolutional.py",
        "models/signal/convolutional_recurrent.py",
        "models/signal/recurrent.py",
    ),
    "test_train_command.py, store/test_options.py: both commands that have the options": (
        "pipeline/commands/image_options.py",
    ),
    "test_bare_commands.py: the demo is run whole": ("pipeline/demo.py",),
    "test_bare_commands.py: a class without a line of code": ("pipeline/errors.py",),
    "fusion/test_fuse_command.py, fusion/test_fusion_refusals.py: fusions are tried from end to end": (
        "pipeline/fusion/branch_reading.py",
        "pipeline/fusion/branch_scores.py",
        "pipeline/fusion/branches.py",
        "pipeline/fusion/finetuned.py",
        "pipeline/fusion/fit_on.py",
        "pipeline/fusion/frozen.py",
        "pipeline/fusion/intermediate.py",
        "pipeline/fusion/late.py",
        "pipeline/fusion/learners.py",
        "pipeline/fusion/plan.py",
    ),
    "inputs/test_batches.py: items are seen as batches": ("pipeline/inputs/items.py",),
    "inputs/test_batches.py: where batches come from": ("pipeline/inputs/placement.py",),
    "training/test_plan.py: a part of the plan of a training": ("pipeline/inputs/plan.py",),
    "test_evaluate_command.py: what a table is of": ("pipeline/evaluation/subject.py",),
    "evaluation/test_subgroups.py: groups are measured whole": ("pipeline/evaluation/group_measuring.py",),
    "evaluation/test_asked.py: what temperatures did to scores": ("pipeline/evaluation/calibration_figures.py",),
    "report/test_further.py: all that stands beside a table": (
        "pipeline/report/calibrations.py",
        "pipeline/report/conformals.py",
        "pipeline/report/decisions.py",
        "pipeline/report/referrals.py",
    ),
    "report/test_class_tests.py, evaluation/test_equivalence.py: what stands below a comparison": (
        "pipeline/report/equivalences.py",
    ),
    "evaluation/test_comparison.py: a comparison and its text": ("pipeline/report/comparisons.py",),
    "commands/test_terminal.py: beside the terminal": ("pipeline/report/console.py",),
    "test_train_command.py: what -list_models prints": ("pipeline/report/networks.py",),
    "report/test_figures.py: every figure is drawn there": (
        "pipeline/report/attribution_drawing.py",
        "pipeline/report/charts.py",
        "pipeline/report/comparison_drawing.py",
        "pipeline/report/counts_drawing.py",
        "pipeline/report/image_drawing.py",
        "pipeline/report/learning_drawing.py",
        "pipeline/report/roc_drawing.py",
    ),
    "server/test_app.py, server/test_refusals.py: the JSON is tried from end to end": (
        "pipeline/server/answering.py",
        "pipeline/server/limits.py",
        "pipeline/server/served.py",
    ),
    "server/test_app.py, server/test_pages.py, server/test_browser.py: the pages are tried whole": (
        "pipeline/server/reference.py",
        "pipeline/server/sheet.py",
    ),
    "sources/test_ptbxl.py: what is said of a data set": ("pipeline/report/overview.py",),
    "evaluation/test_figures.py, evaluation/test_intervals.py: an evaluation and its text": (
        "pipeline/report/tables.py",
    ),
    "representations/test_waits.py: nothing is made twice on a device": ("pipeline/representations/constants.py",),
    "representations/test_drawing.py: every image is grey levels": ("pipeline/representations/grey.py",),
    "representations/test_against_pyts.py, store/test_verify.py: the references themselves": (
        "pipeline/representations/references.py",
    ),
    "scoring/test_files.py, scoring/test_one_recording.py: runs of every kind are asked": ("pipeline/scoring/seen.py",),
    "test_predict_command.py, sources/test_table.py: both commands that have the options": (
        "pipeline/sources/formats/said.py",
    ),
    "test_predict_command.py: every form of an answer": ("pipeline/report/answers.py",),
    "page/test_command.py, page/test_browser.py: pages are made whole, read, and looked at in a browser": (
        *(
            f"pipeline/page/{name}.py"
            for name in (
                *("by_class", "calibrating", "charts", "class_charts", "collecting", "compared", "details", "document"),
                *("facts", "frame", "further", "known", "learnings", "model", "overview", "pairing", "parts"),
                *("pictures", "views"),
            )
        ),
        "pipeline/scoring/subjects.py",
    ),
    "explain/test_gradients.py, explain/test_path.py: baselines, and what branches add": (
        "pipeline/explain/baselines.py",
        "pipeline/explain/shares.py",
    ),
    "report/test_gallery_pictures.py: all that the command draws": ("pipeline/report/gallery.py",),
    "report/test_decision_drawing.py, report/test_reliability_drawing.py: a panel a class": (
        "pipeline/report/panels.py",
    ),
    "runs/test_card_file.py, runs/test_card_checks.py: cards are tried whole": ("pipeline/runs/card_parts.py",),
    "scoring/test_predict.py, training/test_augmented.py: learners score and learn": ("pipeline/runs/learners.py",),
    "scoring/test_predict.py: partitions are scored": ("pipeline/scoring/partition.py",),
    "sources/test_entry.py: a toy source is one of it": ("pipeline/sources/base.py",),
    "sources/formats/test_delimited.py: the first lines of texts": ("pipeline/sources/formats/csv_heads.py",),
    "sources/formats/test_dicom.py: files of several groups": ("pipeline/sources/formats/dicom_groups.py",),
    "sources/formats/test_edf.py: files whose heads are damaged": ("pipeline/sources/formats/edf_heads.py",),
    "sources/test_table.py: what the files of a table have": ("pipeline/sources/table_files.py",),
    "sources/download/test_mirror.py: files are fetched for a mirror": ("pipeline/sources/download/fetch.py",),
    "sources/test_synthetic.py: what is true of the simulated recordings": (
        "pipeline/sources/simulation/cohort.py",
        "pipeline/sources/simulation/heart.py",
        "pipeline/sources/simulation/pathologies.py",
        "pipeline/sources/simulation/rhythms.py",
        "pipeline/sources/simulation/statements.py",
    ),
    "test_create_images_command.py: --show is run": ("pipeline/store/show.py",),
    "training/test_plan.py: what is refused before a training": ("pipeline/training/checks.py",),
    "training/test_plan.py: every family has its line": ("pipeline/training/defaults.py",),
    "training/test_loop.py, test_train_command.py: networks are trained": ("pipeline/training/network.py",),
    "test_train_command.py, training/test_options.py, training/test_resume.py: trainings from end to end": (
        "pipeline/training/going_on.py",
        "pipeline/training/run.py",
        "pipeline/training/run_folder.py",
    ),
    "training/test_transfer.py: trainings that begin with others' weights": (
        "pipeline/training/transfer_differences.py",
        "pipeline/training/transfer_learner.py",
    ),
    "training/test_pretrained.py, training/test_pretraining.py: every method is planned and trained": (
        "pipeline/training/pretraining_plan.py",
        "pipeline/training/pretraining_steps.py",
    ),
    "store/test_create_goes_on.py, store/test_create_names_bad_records.py: both stages, stopped and gone on with": (
        "pipeline/store/filling.py",
    ),
    "machine/test_remote.py: servers that are asked for files and parts of them, and that fail": (
        "pipeline/machine/remote_asking.py",
        "pipeline/machine/remote_ranges.py",
    ),
    "training/test_loop.py: the steps of an epoch": ("pipeline/training/steps.py",),
    "training/test_pretrained.py, training/test_pretraining.py: every option is tried there": (
        "pipeline/training/pretraining_options.py",
    ),
}
"""The tests that try a module, and why so: those modules that have no test file of their own name."""


def without() -> set[str]:
    return {module for named in WITHOUT.values() for module in named}


def modules() -> list[Path]:
    found = [path for package in ("models", "pipeline") for path in sorted((ROOT / package).rglob("*.py"))]
    return [path.relative_to(ROOT) for path in found if path.stem not in ("__init__", "__main__")]


def own_tests(module: Path) -> Path:
    """``pipeline/ROOM/NAME.py`` → ``tests/ROOM/test_NAME.py``; of ``models`` the folder stays."""
    inside = module.relative_to("pipeline") if module.parts[0] == "pipeline" else module
    return TESTS / inside.parent / f"test_{inside.name}"


def test_every_module_is_tested_where_one_would_look():
    bare = {module.as_posix() for module in modules() if not own_tests(module).exists()}
    assert bare - without() == set()
    assert without() - bare == set(), "these have a test file now, or are gone: take them out of the list"


@pytest.mark.parametrize("where", WITHOUT)
def test_the_list_names_tests_that_are_there(where: str):
    for name in where.split(":")[0].split(", "):
        assert (TESTS / name).exists(), name
