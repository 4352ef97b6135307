"""Two processes that train together, as a launcher starts them; run as a script, this is what each of them does."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SIZE = 2
PATIENCE_S = 300  # of a busy machine


def run_both(folder: Path, stores: Path) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Of each process its exit status, what it printed, its errors, and what it has found, once both have ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {"WORLD_SIZE": SIZE, "LOCAL_WORLD_SIZE": SIZE, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    paths = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests"))), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, __file__, str(folder), str(stores)],
            env={**os.environ, **paths, **{name: str(value) for name, value in together.items()}}
            | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for rank in range(SIZE)
    ]
    try:
        said = [process.communicate(timeout=PATIENCE_S) for process in started]
    finally:
        for process in started:
            process.kill()
    found = [json.loads((folder / f"found-{rank}.json").read_text()) for rank in range(SIZE)]
    return [(process.returncode, *words, own) for process, words, own in zip(started, said, found, strict=True)]


NETWORK = "-model resnet1d_wang -crop 0.5 -leads I II -limit 16 -batch_size 7 -epochs 2 -mixup 0.4 -augment noise"
PLAIN = "-optimizer sgd -learning_rate 0.01 -threads 1"  # adamw would make a large step of what rounding left
RECURRENT = "-model gru -hidden_size 4 -n_layers 2 -dropout 0.3 -crop 0.5 -leads I II -batch_size 8 -epochs 3 -limit 20"


def words_of(name: str, stores: Path, folder: Path) -> list[str]:
    """How a run is trained."""
    network = NETWORK if name == "network" else RECURRENT
    return [*f"{network} {PLAIN}".split(), "-data", str(stores), "-path_save_model", str(folder / name)]


def _ends(words: list[str]) -> list[str]:
    """How a training ends: the kind of the error, and its sentence."""
    import train

    try:
        train.main(words)
    except BaseException as problem:
        return [type(problem).__name__, str(problem)]
    return ["", ""]


def _layers() -> dict[str, float]:
    """How far layers of two processes are from those of one that sees all items, in float64."""
    import numpy as np
    import torch
    from torch import nn

    from models.fusion.branches import BranchDropout
    from models.signal.masked import PaddedBatchNorm
    from models.signal.padding import within
    from pipeline.inputs.batches import Pick
    from pipeline.machine.group import joined
    from pipeline.training.sharing import Together, add_gradients, gathered, part_of
    from pipeline.training.steps import generators_of

    found = {}
    length = torch.tensor([9, 3, 7, 5, 8])
    with joined() as group:
        part = part_of(Pick(np.arange(5), np.zeros(5, np.int64)), None, np.full(5, 9), group)
        own = slice(part.first, part.first + part.n_own)
        for name, layer, shape in (
            ("flat", nn.BatchNorm1d(4), (5, 4)),
            ("image", nn.BatchNorm2d(4, affine=False), (5, 4, 3, 2)),
            ("padded", PaddedBatchNorm(4), (5, 4, 9)),
            ("dropout", nn.Dropout(0.4), (5, 4, 9)),
            ("channels", nn.Dropout1d(0.4), (5, 4, 9)),
        ):
            torch.manual_seed(0)
            x = torch.randn(shape, dtype=torch.float64) + torch.arange(5.0).view(-1, *[1] * (len(shape) - 1))
            goal = torch.randn(shape, dtype=torch.float64)
            valid = within(length, 9) if name == "padded" else None
            outcomes = []
            for shared in (False, True):
                module = layer.double().train()
                module.load_state_dict({key: torch.ones_like(value) for key, value in module.state_dict().items()})
                module.zero_grad()
                mine = x.clone().requires_grad_()
                seen = mine[own] if shared else mine
                of_seen = [] if valid is None else [valid[own] if shared else valid]
                torch.manual_seed(3)
                if shared:
                    with Together(nn.Sequential(module), group).seeing(part, generators_of(torch.device("cpu")), 3, 1):
                        y = module(seen, *of_seen)
                else:
                    y = module(seen, *of_seen)
                ((y - (goal[own] if shared else goal)) ** 3).sum().backward()
                if shared:
                    add_gradients(module.parameters(), group)
                assert mine.grad is not None
                kept = (value.clone() for value in module.state_dict().values())
                state = [*(weight.grad for weight in module.parameters()), *kept]
                outcomes.append([y.detach()[slice(None) if shared else own], mine.grad[own], *state])
            found[name] = max(float((a.double() - b.double()).abs().max()) for a, b in zip(*outcomes, strict=True))
        features = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        alone, one_of_two = features.clone().requires_grad_(), features[own].clone().requires_grad_()
        torch.cov(alone.T).square().sum().backward()
        (part.of_whole * torch.cov(gathered(one_of_two, part.first, 5, group).T).square().sum()).backward()
        assert alone.grad is not None
        assert one_of_two.grad is not None
        found["compared"] = float((alone.grad[own] - one_of_two.grad).abs().max())
        hiding = BranchDropout(3, 4, 0.5)
        torch.manual_seed(3)
        whole = hiding.drawn(5, torch.device("cpu"))
        torch.manual_seed(3)
        with Together(hiding, group).seeing(part, generators_of(torch.device("cpu")), 3, 1):
            found["hidden"] = float((hiding.drawn(part.n_own, torch.device("cpu")) != whole[own]).sum())
        found["gathered"] = float(len(set(group.gather(group.rank))))
        found["led"] = float(group.lead(lambda: group.rank))
    return found


def _main(folder: Path, stores: Path) -> None:
    from pipeline.training import steps

    rank = int(os.environ["RANK"])
    found: dict[str, Any] = {"layers": _layers(), "network": _ends(words_of("network", stores, folder))}
    found["unlike"] = _ends([*words_of("unlike", stores, folder), "-seed", str(rank)])
    epoch, step, n_epochs, n_steps = steps.Steps.epoch, steps.Steps._step, [], []

    def asked_to_end(self: Any, progress: Any) -> float:
        n_epochs.append(1)
        if rank and len(n_epochs) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return epoch(self, progress)

    steps.Steps.epoch = asked_to_end  # type: ignore[method-assign]
    found["interrupted"] = _ends(words_of("interrupted", stores, folder))
    steps.Steps.epoch = epoch  # type: ignore[method-assign]

    def dies(self: Any, batch: Any) -> Any:
        n_steps.append(1)
        if rank and len(n_steps) == 2:
            (folder / f"found-{rank}.json").write_text(json.dumps(found))
            os._exit(9)
        return step(self, batch)

    steps.Steps._step = dies  # type: ignore[method-assign]
    found["lost"] = _ends(words_of("lost", stores, folder))
    (folder / f"found-{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
