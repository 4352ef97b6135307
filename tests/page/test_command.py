"""``python -m pipeline.report``: every kind of run, scores files, several of them; and what is refused."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cards import card_json, small_card
from report_pages import HOSTILE, drawn_multilabel, shown, written

import evaluate
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.evaluation.thresholds import get_thresholds, predict
from pipeline.inputs.spec import InputSpec
from pipeline.page.command import main
from pipeline.page.facts import facts_of_run
from pipeline.runs.card_parts import TeacherCard

MB = 2**20


def steps_of(page: str) -> list[dict]:
    (found,) = re.findall(r'<script type="application/json" id="steps">(.*?)</script>', page)
    return json.loads(found)


def test_a_scores_file_becomes_a_page(multilabel: list[str], tmp_path: Path, capsys: pytest.CaptureFixture):
    page = written(multilabel, tmp_path / "made" / "report.html")
    assert f"saved {tmp_path / 'made' / 'report.html'}: " in capsys.readouterr().out
    assert len(page) < MB
    text = shown(page)
    for heading in ("At a glance", "Who was found, and who was missed", "Class by class", "Calibration", "Remarks"):
        assert heading in text
    assert "not a medical device" in text.lower()
    for absent in ("How it learnt", "on paper", "Confusion", "How they stand"):
        assert absent not in text


def test_what_changed_the_training_is_said_of_it():
    spec = InputSpec(modality="signal", leads=("I",), sampling_rate=100.0, gain=1000.0, n_samples=100)
    card = small_card(spec)
    plain = dict(facts_of_run(card, Path("run"), None)["Its training"])
    assert not {"ema", "mixup", "label smoothing", "taught by"} & plain.keys()
    teacher = TeacherCard(folder="fused", model="late", seal="", weight=0.3, temperature=2.0, trained_on=(card.data,))
    taught = replace(card, teacher=teacher).with_training(ema=0.999, mixup=0.2, label_smoothing=0.1)
    said = dict(facts_of_run(taught, Path("run"), None)["Its training"])
    assert (said["ema"], said["mixup"], said["label smoothing"]) == ("0.999", "0.2", "0.1")
    assert said["taught by"] == "fused (weight 0.3)"


def test_names_are_text_and_nothing_else(multilabel: list[str], tmp_path: Path):
    page = written(multilabel, tmp_path / "report.html")
    assert "<img src=x" not in page
    assert "<i>" not in page
    assert "\u202e" not in page
    assert page.count("</script>") == 2
    for name in HOSTILE:
        assert name in shown(page)
    assert "</i>\\u202e" in shown(page)


def test_a_policy_lets_nothing_in(multilabel: list[str], tmp_path: Path):
    page = written(multilabel, tmp_path / "report.html")
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy.startswith("default-src &#x27;none&#x27;; ")
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=", page)
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)


def test_the_steps_are_the_counts_of_the_table(multilabel: list[str], tmp_path: Path):
    page = written(multilabel, tmp_path / "report.html")
    test, dev = (load_scores(Path(multilabel[place])) for place in (1, 3))
    thresholds = get_thresholds(test.classes, dev).values
    for i, (name, of) in enumerate(zip(test.classes, steps_of(page), strict=True)):
        found = predict(test.scores[:, i : i + 1], [thresholds[name]])[:, 0]
        at = of["start"]
        assert of["t"][at] == pytest.approx(thresholds[name], rel=1e-5)
        assert (of["tp"][at], of["fp"][at]) == (
            found[test.labels[:, i] == 1].sum(),
            found[test.labels[:, i] == 0].sum(),
        )


def test_classes_that_exclude_each_other_have_a_confusion_matrix(multiclass: list[str], tmp_path: Path):
    text = shown(written(multiclass, tmp_path / "report.html"))
    assert "Confusion" in text
    assert "The highest score wins" in text
    assert "in the table the highest score decides" in text


def test_without_dev_scores_there_is_a_page_too(multilabel: list[str], tmp_path: Path):
    text = shown(written(multilabel[:2], tmp_path / "report.html"))
    assert "0.5 for every class" in text
    assert "without dev scores no temperature can be fitted" in text


def test_several_scores_files_are_compared(files, tmp_path: Path):
    first = files(drawn_multilabel(seed=1), drawn_multilabel("d", seed=5), "good")
    second = files(drawn_multilabel(seed=2, skill=0.7), drawn_multilabel("d", seed=6, skill=0.7), "poor")
    words = ["-scores", second[1], first[1], "-dev_scores", second[3], first[3]]
    page = written(words, tmp_path / "report.html")
    text = shown(page)
    assert "good, poor" in text, "the better one first"
    for said in ("How they stand", "good beside poor", "beyond noise", "only good", "Furthest apart"):
        assert said in text
    assert len(steps_of(page)) == 4


def test_seventy_classes_stay_small(files, tmp_path: Path):
    classes = tuple(f"class {number}" for number in range(71))
    words = files(drawn_multilabel(classes=classes, n=2000), drawn_multilabel("d", classes, 500))
    page = written(words, tmp_path / "report.html")
    assert len(page) < MB
    assert "the 40 most frequent of 71 classes are shown" in page
    assert page.count('class="class"') == 40


@pytest.mark.usefixtures("cpu_as_before")
@pytest.mark.parametrize("run", ["gru", "drawn", "kfold", "concat", "nested", "beat"])
def test_every_kind_of_run_has_a_page(run: str, earlier: Path, tmp_path: Path):
    words = ["-run", str(earlier / "runs" / run), "-data", str(earlier / "stores"), "-pictures", "2"]
    page = written([*words, "-explanations", "0"], tmp_path / "report.html")
    text = shown(page)
    assert len(page) < 5 * MB
    for said in ("What it is", "How it learnt", "The surest mistakes, on paper", "seed", "torch", "train"):
        assert said in text
    assert page.count('class="record"') == 2
    sees_images = run not in ("gru", "kfold")
    assert (" saw: " in text) == sees_images
    assert ("data:image/png;base64," in page) == sees_images


@pytest.mark.usefixtures("cpu_as_before")
def test_what_moved_a_score_is_shown(earlier: Path, tmp_path: Path):
    words = ["-run", str(earlier / "runs" / "gru"), "-data", str(earlier / "stores"), "-pictures", "1"]
    page = written([*words, "-explanations", "1"], tmp_path / "report.html")
    assert "What moved the score" in shown(page)
    assert 'alt="Explanation of record ' in page


@pytest.mark.usefixtures("cpu_as_before")
def test_no_pictures_are_none(earlier: Path, tmp_path: Path):
    words = ["-run", str(earlier / "runs" / "drawn"), "-data", str(earlier / "stores"), "-pictures", "0"]
    page = written(words, tmp_path / "report.html")
    assert "data:image" not in page
    assert "on paper" not in shown(page)
    assert len(page) < MB


@pytest.mark.usefixtures("cpu_as_before")
def test_runs_are_compared_with_the_recordings_that_they_differ_in(earlier: Path, tmp_path: Path):
    runs = [str(earlier / "runs" / name) for name in ("gru", "kfold")]
    page = written(["-run", *runs, "-data", str(earlier / "stores"), "-pictures", "1"], tmp_path / "report.html")
    assert "Furthest apart" in shown(page)
    assert page.count('class="record"') == 1


@pytest.mark.usefixtures("cpu_as_before")
def test_evaluate_writes_it_beside_the_tables(multilabel: list[str], tmp_path: Path):
    evaluate.main([*multilabel, "-resamples", "0", "-report", "-out", str(tmp_path / "tables")])
    assert (tmp_path / "tables" / "table.md").exists()
    assert "no intervals: nothing was resampled" in shown((tmp_path / "tables" / "report.html").read_text())
    with pytest.raises(EcgFusionError, match="-report writes a file, and of scores files none is saved without -out"):
        evaluate.main([*multilabel, "-report"])


def test_what_cannot_be_shown_is_one_sentence(earlier: Path, multilabel: list[str], tmp_path: Path):
    with pytest.raises(EcgFusionError, match="holds no run: train one"):
        main(["-run", str(tmp_path / "none")])
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    card = card_json(run) | {"complete": False}
    (run / "run.json").write_text(json.dumps(card))
    with pytest.raises(EcgFusionError, match="is not finished: go on with"):
        main(["-run", str(run), "-data", str(earlier / "stores")])
    with pytest.raises(EcgFusionError, match="do not go with -scores"):
        main([*multilabel, "-run", str(run)])
    with pytest.raises(EcgFusionError, match="-dev_scores goes with -scores"):
        main(multilabel[2:])
    with pytest.raises(EcgFusionError, match="is a folder: name a file"):
        main([*multilabel, "-out", str(tmp_path)])
    with pytest.raises(EcgFusionError, match="-resamples 7 will not do"):
        main([*multilabel, "-resamples", "7"])
    with pytest.raises(EcgFusionError, match="give each its own"):
        main([*multilabel, "-scores", multilabel[1]])
