"""Files that somebody made to do harm: each is read once, and must be refused or do nothing."""

from dataclasses import dataclass
from pathlib import Path

from campaign.children import watched
from campaign.coded_recordings import CREATE as CREATE_CODED
from campaign.coded_recordings import FOLDER as CODED
from campaign.forging import (
    Making,
    branch_named,
    card_with,
    external,
    first_row_with,
    giant,
    instead,
    item_named,
    link,
    many_signals,
    mat_with,
    npy_head,
    packed_arrays,
    pickled,
    store_with,
    wide_table,
    write,
)
from campaign.judging import EQUAL, REFUSED, WRONG, Verdict, changed, fault_of, sentence_of, snapshot
from campaign.mutations import copy_place
from campaign.place import COMMANDS, SIGNALS_ONLY, run

CREATE = SIGNALS_ONLY
EVALUATE = "evaluate -run runs/net -data data/stores -resamples 0 -threads 1 -out out"
_OWN = (
    "create_images --source table --data data/own --out out --representations none --workers 1 --folds kfold:3 "
    "--unit mV --sampling_rate_of_files 100 --leads_of_file I II V2"
)
SCORES = "evaluate -scores test.npz -resamples 0 -out out"
TRAIN = COMMANDS["images"].replace("runs/images", "out").replace("-epochs 2", "-epochs 1")


@dataclass(frozen=True)
class Hostile:
    """A hostile file.

    Attributes:
        name: what it is.
        make: puts it into a copy of the place.
        line: the command that reads it.
        needs: parts of the place that the command needs.
        allowed: places that the command may write.
    """

    name: str
    make: Making
    line: str
    needs: tuple[str, ...]
    allowed: tuple[str, ...] = ("place/out",)


_SOURCE, _RUN, _LATE = ("data/ptbxl",), ("data/stores", "runs/net"), ("data/stores", "runs/late")
_CODED = (CODED, "classes.csv", "folds.csv")
_HEADER = "data/ptbxl/records100/00000/00001_lr.hea"
_DEEP = 100_000

HOSTILE = (
    Hostile("a pickle as weights", write("runs/net/weights.safetensors", pickled()), EVALUATE, _RUN),
    Hostile(
        "a pickle as resume file",
        write("runs/unfinished/resume.pt", pickled()),
        COMMANDS["finish"],
        ("data/stores", "runs/unfinished"),
        ("place/runs/unfinished",),
    ),
    *(
        Hostile(
            f"pre-trained weights that are {name}",
            write("torch-home/hub/checkpoints/resnet18-f37072fd.pth", contents),
            "train -model torchvision:resnet18 -pretrained -data data/stores -epochs 1 -threads 1 -path_save_model out",
            ("data/stores",),
            ("place/out", "place/torch-home"),
        )
        for name, contents in (
            ("a pickle", pickled()),
            ("empty", b""),
            ("of another network", b"PK\x03\x04" + bytes(4096)),
        )
    ),
    Hostile("a pickle as scores", write("test.npz", pickled()), SCORES, ("test.npz",)),
    Hostile(
        "a pickle in scores",
        write(
            "test.npz",
            packed_arrays(scores=npy_head("(1,)", "'|O'") + pickled(), labels=npy_head("(1,)", "'|O'") + pickled()),
        ),
        SCORES,
        ("test.npz",),
    ),
    Hostile("a pickle as dev scores", write("runs/net/dev_scores.npz", pickled()), f"{EVALUATE} -threshold f1", _RUN),
    Hostile("a pickle as store", write("data/stores/test.h5", pickled()), EVALUATE, _RUN),
    Hostile("a pickle as table", write("data/ptbxl/ptbxl_database.csv", pickled()), CREATE, _SOURCE),
    Hostile(
        "scores that unpack to 3 GB",
        write("test.npz", packed_arrays(scores=npy_head("(805306368,)") + bytes(3 * 2**26))),
        SCORES,
        ("test.npz",),
    ),
    Hostile(
        "scores of a giant shape",
        write("test.npz", packed_arrays(scores=npy_head("(1000000000, 1000000000)"))),
        SCORES,
        ("test.npz",),
    ),
    Hostile(
        "scores beside a great array of another name",
        write("test.npz", packed_arrays(junk=npy_head("(805306368,)") + bytes(3 * 2**26))),
        SCORES,
        ("test.npz",),
    ),
    *(
        Hostile(f"one's own {name}", write(f"data/own/{file}", contents), _OWN, ("data/own",))
        for name, file, contents in (
            ("array that is a pickle", "c.npy", pickled()),
            ("array of Python objects", "c.npy", npy_head("(3, 200)", "'|O'") + pickled()),
            ("array of a giant shape", "c.npy", npy_head("(3, 1000000000000)")),
            ("array of 10^4 levels", "c.npy", npy_head("(" * 10_000)),
            ("arrays with a pickle among them", "d.npz", packed_arrays(ecg=npy_head("(3, 9)", "'|O'") + pickled())),
            ("array that unpacks to 200 MB", "d.npz", packed_arrays(ecg=npy_head("(3, 9)") + bytes(2 * 10**8))),
            ("variable that unpacks to 400 MB", "e.mat", mat_with(bytes(4 * 10**8))),
            ("variable that is a pickle", "e.mat", mat_with(pickled())),
            ("text of one line of 30 MB", "a.csv", "1," * 15_000_000),
            ("text of 40,000,000 lines", "a.csv", "I,II,V2\n" + "1\n" * 40_000_000),
            ("table that names a device", "records.csv", "file,patient_id\n/dev/zero,1\n"),
            ("table that leads out", "records.csv", "file,patient_id\n../../../outside/canary.txt,1\n"),
            (
                "record with a path as its name",
                "records.csv",
                "file,patient_id,record_id\na.csv,1,../../x\n",
            ),
        )
    ),
    *(
        Hostile(f"one's own {file} is {how}", instead(f"data/own/{file}", how), _OWN, ("data/own",))
        for file in ("records.csv", "a.csv", "c.npy", "e.mat")
        for how in ("a fifo", "/dev/zero", "../../../outside/canary.txt")
    ),
    Hostile(
        "weights whose header is giant",
        write("runs/net/weights.safetensors", (2**60).to_bytes(8, "little") + b"{}"),
        EVALUATE,
        _RUN,
    ),
    Hostile("a card of 10^5 levels", write("runs/net/run.json", "[" * _DEEP + "]" * _DEEP), EVALUATE, _RUN),
    Hostile(
        "a card of objects 10^5 deep", write("runs/net/run.json", '{"a":' * _DEEP + "1" + "}" * _DEEP), EVALUATE, _RUN
    ),
    Hostile(
        "a card with an integer of 10^5 digits",
        write("runs/net/run.json", '{"format": ' + "9" * 100_000 + "}"),
        EVALUATE,
        _RUN,
    ),
    Hostile("a card with 10^9 classes' worth of options", card_with(options__hidden_size=10**9), EVALUATE, _RUN),
    Hostile("a card with negative widths", card_with(options__hidden_size=-4), EVALUATE, _RUN),
    Hostile("a card whose batches are giant", card_with(training__batch_size=10**12), EVALUATE, _RUN),
    Hostile("a card with ESC in a class", card_with(classes=["a\x1b[31mb", "c", "d", "e"]), EVALUATE, _RUN),
    Hostile("a card whose model is a path", card_with(model="../../outside/canary"), EVALUATE, _RUN),
    Hostile("a card whose model is torchvision's and unknown", card_with(model="torchvision:../x"), EVALUATE, _RUN),
    *(
        Hostile(
            f"a branch named {name!r}",
            branch_named(name),
            "train -resume -path_save_model runs/late",
            _LATE,
            ("place/runs/late",),
        )
        for name in ("..", ".", "", "../../outside", "/etc", "a/b", "a\\b", "a\0b", "../net")
    ),
    *(
        Hostile(f"{name} is {how}", instead(name, how), line, needs)
        for name, line, needs in (
            ("runs/net/run.json", EVALUATE, _RUN),
            ("runs/net/weights.safetensors", EVALUATE, _RUN),
            ("runs/net/dev_scores.npz", f"{EVALUATE} -threshold f1", _RUN),
            ("data/stores/test.h5", EVALUATE, _RUN),
            ("data/ptbxl/ptbxl_database.csv", CREATE, _SOURCE),
            ("data/ptbxl/scp_statements.csv", CREATE, _SOURCE),
            (_HEADER, CREATE, _SOURCE),
            (_HEADER.replace(".hea", ".dat"), CREATE, _SOURCE),
            ("test.npz", SCORES, ("test.npz",)),
            ("recipe.toml", "train -config recipe.toml -path_save_model out", ("recipe.toml", "data/stores")),
        )
        for how in ("a fifo", "a folder", "/dev/zero", "nowhere", Path(name).name)
    ),
    Hostile(
        "a recipe of 10^5 levels",
        write("recipe.toml", "a = " + "[" * _DEEP),
        "train -config recipe.toml -path_save_model out",
        ("recipe.toml",),
    ),
    Hostile(
        "a recipe that writes elsewhere",
        write("recipe.toml", 'model = "gru"\ndata = "data/stores"\nepochs = 1\npath_save_model = 3\n'),
        "train -config recipe.toml",
        ("recipe.toml", "data/stores"),
        ("place/runs",),
    ),
    *(
        Hostile(
            f"an item named {name!r}",
            store_with(item_named(name)),
            "create_images --out data/stores --partition test --export out",
            ("data/stores",),
        )
        for name in (
            "../../../outside/x",
            "/campaign-was-here",
            "..",
            ".",
            "",
            "a/b",
            "a\\b",
            "\x1b[31m",
            "=cmd|'/c'!A0",
        )
    ),
    *(
        Hostile(f"a header with codes that {what}", write(f"{CODED}/{file}.hea", contents), CREATE_CODED, _CODED)
        for what, file, contents in (
            ("says 10^14 samples", "x", "x 12 500 99999999999999\n#Dx: 426783006\n"),
            ("says 0.001 Hz", "x", "x 12 .001 9999\n#Dx: 426783006\n"),
            ("has 10^6 codes", "g1/00001_lr", "x 12 500 99\n#Dx: " + ",".join(map(str, range(10**6, 10**6 + 130_000)))),
            ("is 2 MiB", "x", "#" * 2**21),
            ("lies 200 folders deep", "/".join(["x"] * 200) + "/x", "x 12 500 99\n#Dx: 426783006\n"),
            ("has ESC in its name", "\x1b[31m", "x 12 500 99\n#Dx: 426783006\n"),
        )
    ),
    *(
        Hostile(f"a link beside headers to {to}", link(f"{CODED}/g1/more", to), CREATE_CODED, _CODED)
        for to in ("..", "../..", ".", "/", "/proc/self", "more", "../../../../outside")
    ),
    *(
        Hostile(f"{name} is {how}", instead(name, how), CREATE_CODED, _CODED)
        for name in (f"{CODED}/g1/00001_lr.hea", f"{CODED}/g1/00001_lr.dat")
        for how in ("a fifo", "a folder", "/dev/zero", "nowhere", "../g0/00003_lr.hea")
    ),
    *(
        Hostile(f"{name} of a store has 2^32 gzipped rows", store_with(giant(name)), EVALUATE, _RUN)
        for name in ("signals", "images/gaf", "item_id", "labels/disease", "start")
    ),
    *(
        Hostile(f"{name} of a store is an external link", store_with(external(name)), EVALUATE, _RUN)
        for name in ("signals", "item_id", "labels/disease")
    ),
    Hostile(
        "a store with an attribute of 10^5 brackets",
        store_with(lambda file: file.attrs.__setitem__("recipe", "[" * 60_000)),
        EVALUATE,
        _RUN,
    ),
    Hostile(
        "a store with a giant gain",
        store_with(lambda file: file["signals"].attrs.__setitem__("gain", 1e300)),
        EVALUATE,
        _RUN,
    ),
    Hostile("scp_codes of 200,000 minus signs", first_row_with("scp_codes", "-" * 200_000 + "1"), CREATE, _SOURCE),
    Hostile("scp_codes of 20,000 complex numbers", first_row_with("scp_codes", "+1j" * 20_000), CREATE, _SOURCE),
    Hostile("scp_codes of 10^5 brackets", first_row_with("scp_codes", "[" * 100_000), CREATE, _SOURCE),
    Hostile(
        "scp_codes that call something",
        first_row_with("scp_codes", "__import__('os').system('touch ../outside/it-ran')"),
        CREATE,
        _SOURCE,
    ),
    Hostile("scp_codes of a set of sets", first_row_with("scp_codes", "{{}: {}}"), CREATE, _SOURCE),
    Hostile(
        "scp_codes of 10^6 codes", first_row_with("scp_codes", "{" + "'NORM': 0.0, " * 1_000_000 + "}"), CREATE, _SOURCE
    ),
    Hostile("an ecg_id of 10^400", first_row_with("ecg_id", "1" + "0" * 400), CREATE, _SOURCE),
    *(
        Hostile(f"a recording named {name!r}", first_row_with("filename_lr", name), CREATE, _SOURCE)
        for name in (
            "../../../outside/canary",
            "/etc/passwd",
            "records100/../../../../outside/x",
            "",
            ".",
            "records100",
            "a\0b",
            "\x1b[31m",
        )
    ),
    *(
        Hostile(f"an identifier {name!r}", first_row_with("ecg_id", name), CREATE, _SOURCE)
        for name in ("../../x", "/abs", "\x1b[31m", "=cmd|x", "1\n2")
    ),
    Hostile("a table of a million columns", wide_table, CREATE, _SOURCE),
    Hostile("a header of 10^5 signals", many_signals, CREATE, _SOURCE),
    *(
        Hostile(
            f"a header that says {head!r}",
            write(_HEADER, f"{head}\n00001_lr.dat 16 1000(0)/mV 16 0 0 0 0 I\n"),
            CREATE,
            _SOURCE,
        )
        for head in (
            "00001_lr 1 100 1000000000000",
            "00001_lr 1000000000 100 1000",
            "00001_lr 1 1e308 1000",
            "00001_lr 1 0 1000",
            "00001_lr 1 100 -5",
            "00001_lr/99999999 1 100 1000",
            "../../../outside/x 1 100 1000",
            "00001_lr 0 100 1000",
            "00001_lr 1 nan 1000",
            "x" * 100_000,
        )
    ),
    *(
        Hostile(
            f"a header whose signal is {line[:40]!r}",
            write(_HEADER, f"00001_lr 1 100 1000\n{line}\n"),
            CREATE,
            _SOURCE,
        )
        for line in (
            "../../../../../outside/canary.txt 16 1000(0)/mV 16 0 0 0 0 I",
            "/etc/passwd 16 1000(0)/mV 16 0 0 0 0 I",
            "00001_lr.dat 16x99999999 1000/mV 16 0 0 0 0 I",
            "00001_lr.dat 16+99999999999999 1000/mV 16 0 0 0 0 I",
            "00001_lr.dat 16:99999999999 1000/mV 16 0 0 0 0 I",
            "00001_lr.dat 16 1e400/mV 16 0 0 0 0 I",
            "00001_lr.dat 16 -1000/mV 16 0 0 0 0 I",
            "00001_lr.dat 99 1000/mV 16 0 0 0 0 I",
            "00001_lr.dat 16 0/mV 16 0 0 0 0 I",
            "/dev/zero 16 1000(0)/mV 16 0 0 0 0 I",
        )
    ),
    Hostile(
        "statements with ESC and a formula",
        write(
            "data/ptbxl/scp_statements.csv",
            ",description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass\nNORM,x,1.0,,,\x1b[31mNORM,NORM\n=cmd|x,x,1.0,,,MI,MI\n",
        ),
        CREATE,
        _SOURCE,
    ),
)


def try_hostile(place: Path, hostile: Hostile, folder: Path) -> tuple[str, Verdict]:
    """One case: the file is put there and read."""
    copy = copy_place(place, hostile.needs, folder)
    hostile.make(copy)
    before = snapshot(folder)
    outcome = watched(lambda: run(hostile.line), copy)
    fault = fault_of(outcome)
    if fault:
        return hostile.name, Verdict(WRONG, fault)
    touched = [
        each
        for each in changed(before, snapshot(folder), (*hostile.allowed, "stdout", "stderr"))
        if ".lock" not in each
    ]
    if touched:
        return hostile.name, Verdict(WRONG, f"changed {', '.join(touched[:3])}")
    lost = [name for name in before if name not in snapshot(folder)]
    if lost:
        return hostile.name, Verdict(WRONG, f"lost {lost[0]}")
    if "\x1b" in outcome.out + outcome.err:
        return hostile.name, Verdict(WRONG, "ESC reaches the terminal")
    return hostile.name, Verdict(REFUSED, sentence_of(outcome.err)) if outcome.code else Verdict(EQUAL)
