"""Store to batches: the order of an epoch, crops, padding, and rows that stay with their items."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from batches_of_stores import ROWS, all_batches, assert_equal, image_spec, signal_spec

from pipeline.errors import EcgFusionError
from pipeline.inputs import placement, prefetch
from pipeline.inputs.batches import Items, Pick, load, scoring_picks, training_picks
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import InputSpec
from pipeline.machine import memory
from pipeline.signals.beats import median_beat
from pipeline.signals.counts import PADDING
from pipeline.store.reading import Store, open_store


@pytest.fixture(scope="module")
def store(small_store_folder: Path) -> Store:
    return open_store(small_store_folder / "train.h5")


@pytest.fixture(scope="module")
def uneven(store: Store) -> Store:
    """The same store, as if its items had from 2 s to 10 s."""
    seconds = np.linspace(2, 10, store.n_items).round(2)
    return replace(store, columns={**store.columns, "length": seconds})


def beat_spec(store: Store) -> InputSpec:
    return replace(signal_spec(store), beat=(0.32, 0.48), beat_version=2, n_samples=80)


def test_an_epoch_is_a_function_of_seed_and_epoch(store: Store):
    items = store_items(store, np.arange(store.n_items), signal_spec(store, crop=2.0, stride=1.0))

    def order(seed: int, epoch: int) -> list[tuple[int, int]]:
        picks = training_picks(items, 4, seed, epoch)
        return [pair for pick in picks for pair in zip(pick.rows.tolist(), pick.starts.tolist(), strict=True)]

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
def test_every_item_comes_once_an_epoch(store: Store, batch_size: int):
    """But for a last batch of one, which batch normalisation could not use; it is another item next time."""
    items = store_items(store, ROWS, signal_spec(store))
    left_out = set()
    for epoch in range(6):
        picks = training_picks(items, batch_size, 0, epoch)
        seen = np.concatenate([pick.rows for pick in picks]).tolist()
        assert len(seen) == len(set(seen))
        assert all(len(pick.rows) == batch_size for pick in picks[:-1])
        left_out |= set(range(len(ROWS))) - set(seen)
        assert len(ROWS) - len(seen) == (1 if batch_size in (2, 3) else 0)
    assert (len(left_out) > 1) == (batch_size in (2, 3))


def test_items_of_a_batch_are_about_as_long(uneven: Store, store: Store):
    """So that it is hardly padded; each still comes once, and what is left over is drawn from all lengths."""
    items, batch_size = store_items(uneven, np.arange(uneven.n_items), signal_spec(uneven)), 3
    epochs = [training_picks(items, batch_size, 0, epoch) for epoch in range(40)]
    full = [pick.rows for picks in epochs for pick in picks if len(pick.rows) == batch_size]
    at_random = np.random.default_rng(0).permuted(np.tile(items.lengths, (len(full), 1)), axis=1)[:, :batch_size]
    padded = np.mean([items.lengths[rows].max() - items.lengths[rows].mean() for rows in full])
    assert padded < 0.5 * (at_random.max(1) - at_random.mean(1)).mean()
    for picks in epochs:
        rows = np.concatenate([pick.rows for pick in picks])
        assert len(rows) == len(set(rows.tolist())) >= len(items) - 1
    firsts = {int(items.lengths[picks[0].rows].max()) for picks in epochs}
    assert len(firsts) > 2, "an epoch does not begin with the short ones each time"
    alike = store_items(store, np.arange(store.n_items), signal_spec(store))
    (first, *_), order = training_picks(alike, 3, 0, 5), np.random.default_rng((0, 5)).permutation(len(alike))
    assert first.rows.tolist() == order[:3].tolist()


def test_random_crops_lie_within_their_item_and_reach_both_ends(uneven: Store):
    items = store_items(uneven, np.arange(uneven.n_items), signal_spec(uneven, crop=2.5, stride=1.0))
    picks = [pick for epoch in range(300) for pick in training_picks(items, 8, 0, epoch)]
    rows, starts = (np.concatenate([getattr(pick, name) for pick in picks]) for name in ("rows", "starts"))
    latest = np.maximum(items.lengths - 250, 0)
    assert (starts >= 0).all()
    assert (starts <= latest[rows]).all()
    first_that_moves = int(np.flatnonzero(latest)[0])
    reached = starts[rows == first_that_moves]
    assert reached.min() == 0
    assert reached.max() == latest[first_that_moves]


def test_scoring_crops_cover_every_item_in_order(uneven: Store):
    items = store_items(uneven, np.arange(uneven.n_items), signal_spec(uneven, crop=2.5, stride=1.0))
    covered = [np.zeros(length, bool) for length in items.lengths]
    rows = []
    for pick in scoring_picks(items, 5):
        rows += pick.rows.tolist()
        for row, start in zip(pick.rows, pick.starts, strict=True):
            covered[row][start : start + 250] = True
    assert all(item.all() for item in covered)
    assert rows == sorted(rows)


def test_a_batch_holds_the_items_that_its_rows_name(store: Store):
    """Joined to the store by item_id, signals and images alike."""
    ids, stored = store.columns["item_id"], store.signals.open()
    leads = [store.leads.index(lead) for lead in ("I", "V2")]
    signals, images = store_items(store, ROWS, signal_spec(store)), store_items(store, ROWS, image_spec(store))
    picks = training_picks(signals, 3, seed=1, epoch=0)
    for one, other in zip(all_batches(signals, picks), all_batches(images, picks), strict=True):
        assert one.rows.tolist() == other.rows.tolist()
        for row, signal, drawn in zip(one.rows, one.raw, other.raw, strict=True):
            place = ids.tolist().index(ids[ROWS][row])
            np.testing.assert_array_equal(signal, stored[place][leads])
            np.testing.assert_array_equal(drawn[1], store.images["rp"].open()[place, 0])
            np.testing.assert_array_equal(drawn[2], store.images["gaf"].open()[place, 2])


def test_a_crop_is_that_part_of_the_item(store: Store):
    items = store_items(store, ROWS, signal_spec(store, crop=2.0, stride=1.0))
    for batch, pick in zip(load(items, training_picks(items, 3, 0, 0)), training_picks(items, 3, 0, 0), strict=True):
        for signal, row, start in zip(batch.raw, pick.rows, pick.starts, strict=True):
            np.testing.assert_array_equal(signal[1], store.signals.open()[ROWS[row], 7, start : start + 200])


@pytest.mark.parametrize("spec_of", [signal_spec, image_spec, beat_spec])
def test_two_workers_equal_none(store: Store, spec_of):
    items = store_items(store, ROWS, spec_of(store))
    picks = training_picks(items, 3, seed=0, epoch=0)
    assert_equal(all_batches(items, picks, workers=2), all_batches(items, picks))


def test_signals_from_disk_equal_those_from_memory(store: Store, monkeypatch, told):
    spec = signal_spec(store, crop=2.0, stride=1.0)
    in_memory = store_items(store, ROWS, spec)
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    on_disk = store_items(store, ROWS, spec)
    assert "are read from disk" in told[0].sentence
    picks = training_picks(in_memory, 3, 0, 0)
    assert_equal(all_batches(on_disk, picks), all_batches(in_memory, picks))


@pytest.mark.parametrize("spec_of", [signal_spec, image_spec])
def test_a_worker_gets_no_copy_of_the_file(store: Store, monkeypatch, spec_of):
    """Where processes are not forked they are sent a pickle, which must name the file and not hold it."""
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    items = store_items(store, ROWS, spec_of(store))
    picks = scoring_picks(items, 4)
    before = all_batches(items, picks)
    sent = pickle.dumps(items)
    assert len(sent) < 20_000
    assert_equal(all_batches(pickle.loads(sent), picks), before)


def test_shorter_items_are_padded_and_say_their_length(uneven: Store):
    items = store_items(uneven, np.arange(uneven.n_items), signal_spec(uneven))
    rows = np.array([0, 30, 12])
    batch = items[Pick(rows, np.zeros(3, np.int64))]
    assert batch.length is not None
    assert batch.length.tolist() == uneven.lengths[rows].tolist()
    assert batch.raw.shape == (3, 2, uneven.lengths[rows].max())
    for signal, row, length in zip(batch.raw.numpy(), rows, batch.length, strict=True):
        np.testing.assert_array_equal(signal[0, :length], uneven.signals.open()[row, 0, :length])
        assert (signal[:, length:] == PADDING).all()


def test_whole_items_carry_no_length(uneven: Store):
    items = store_items(uneven, np.arange(uneven.n_items), signal_spec(uneven, crop=2.0, stride=1.0))
    assert all(batch.length is None for batch in load(items, training_picks(items, 4, 0, 0)))


def test_an_item_longer_than_those_trained_on_is_not_cut(uneven: Store):
    spec = replace(signal_spec(uneven), n_samples=300)
    items = store_items(uneven, np.array([30]), spec)
    assert items[scoring_picks(items, 1)[0]].raw.shape[2] == 1000


def test_an_image_does_not_depend_on_its_neighbours(uneven: Store):
    """Items of unequal length are drawn at one width, alone as beside longer ones."""
    items = store_items(uneven, np.arange(uneven.n_items), image_spec(uneven, on_the_fly=True))
    together = items[Pick(np.array([0, 30]), np.zeros(2, np.int64))].raw
    alone = items[Pick(np.array([0]), np.zeros(1, np.int64))].raw
    np.testing.assert_array_equal(together[:1], alone)
    assert alone.shape[2] == uneven.signals.shape[2]


def test_an_item_may_be_its_median_beat(uneven: Store):
    """That of the whole item without its padding, found on all leads, rounded to counts."""
    items = store_items(uneven, ROWS, beat_spec(uneven))
    (pick,) = scoring_picks(items, 100)
    batch = items[pick]
    assert batch.raw.shape == (len(ROWS), 2, 80)
    assert batch.length is None
    leads = [uneven.leads.index(lead) for lead in ("I", "V2")]
    for beat, row in zip(batch.raw, ROWS, strict=True):
        mv = uneven.signals.open()[row, :, : uneven.lengths[row]] / uneven.gain
        expected = median_beat(mv, uneven.sampling_rate, 0.32, 0.48).mv[leads]
        assert np.abs(beat.numpy() - expected * uneven.gain).max() <= 0.5


def test_the_choice_of_leads_moves_no_beat(store: Store):
    both, alone = (store_items(store, ROWS, replace(beat_spec(store), leads=leads)) for leads in (("I", "V2"), ("V2",)))
    (pick,) = scoring_picks(both, 100)
    np.testing.assert_array_equal(both[pick].raw[:, 1:], alone[pick].raw)


WHOLE, CROPS = (None, None), (2.5, 1.0)
MEMORY = {"gpu": (10**12, 0), "memory": (0, 10**12), "disk": (0, 0)}


@pytest.fixture
def fake_gpu(monkeypatch):
    """Sets what is free on a GPU and in memory; nothing is moved there."""

    def set_up(home: str) -> torch.device:
        free, memory = MEMORY[home]
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 10**12))
        monkeypatch.setattr(placement, "machine_memory", lambda: memory)
        return torch.device("cuda", 0)

    return set_up


@pytest.mark.parametrize("home", MEMORY)
def test_signals_are_held_as_near_the_gpu_as_they_fit(store: Store, fake_gpu, home: str):
    gpu = fake_gpu(home)
    expected = {"gpu": gpu, "memory": placement.CPU, "disk": None}[home]
    assert placement.home_of_signals(store, store.n_items, signal_spec(store), gpu) == expected


def test_a_share_of_what_is_free_is_taken_at_most(store: Store, monkeypatch):
    spec, gpu = signal_spec(store), torch.device("cuda", 0)
    n_bytes = 100 * 2 * store.signals.shape[2] * 2  # of two leads, int16
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (4 * n_bytes, 0))
    monkeypatch.setattr(placement, "machine_memory", lambda: 4 * n_bytes)
    assert placement.home_of_signals(store, 100, spec, gpu) == gpu
    assert placement.home_of_signals(store, 101, spec, gpu) is None


@pytest.mark.parametrize("said", ["12345678\n", "max\n", None, f"{2**63 - 4096}\n"])
def test_a_containers_limit_counts_where_it_is_less_than_the_memory(tmp_path: Path, monkeypatch, said: str | None):
    """The last is what version 1 of control groups says where there is no limit."""
    monkeypatch.setattr(memory, "_LIMITS_OF_A_CONTAINER", (tmp_path / "none", tmp_path / "limit"))
    machine = memory.machine_memory()
    if said is not None:
        (tmp_path / "limit").write_text(said)
    assert machine > 12345678
    assert memory.machine_memory() == (12345678 if said == "12345678\n" else machine)


def test_signals_that_a_gpu_cannot_hold_say_where_they_stay(store: Store, fake_gpu, told):
    items = store_items(store, ROWS, signal_spec(store), fake_gpu("memory"))
    assert "stay in the machine's memory and go to cuda:0 batch by batch" in told[0].sentence
    assert items[scoring_picks(items, 4)[0]].raw.device.type == "cpu"


@pytest.mark.parametrize("bound_for", ["cpu", "cuda"])
def test_what_goes_to_a_gpu_is_made_ready_to_be_copied_while_it_works(store: Store, monkeypatch, bound_for):
    locked: list[torch.Tensor] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda x: locked.append(x) or x.clone())
    items = store_items(store, ROWS, image_spec(store))
    picks = training_picks(items, 3, 0, 0)
    assert_equal(list(load(items, picks, 0, torch.device(bound_for))), all_batches(items, picks))
    assert len(locked) == (2 * len(picks) if bound_for == "cuda" else 0)


def test_a_worker_process_has_its_batches_made_ready_by_the_loader(store: Store, monkeypatch):
    asked = []
    monkeypatch.setattr(prefetch, "DataLoader", lambda *_, **options: asked.append(options["pin_memory"]) or [])
    items = store_items(store, ROWS, image_spec(store))
    for device in (torch.device("cuda"), torch.device("cpu")):
        load(items, training_picks(items, 3, 0, 0), 2, device)
    assert asked == [True, False]


@pytest.mark.parametrize("modality", ["signal", "image"])
@pytest.mark.parametrize(("crop", "stride"), [WHOLE, CROPS])
def test_a_batch_is_what_the_store_holds_however_it_is_held(uneven: Store, monkeypatch, modality, crop, stride):
    """Crop by crop, padded behind its item's end, with its length, from memory as from disk."""
    spec = replace(image_spec(uneven, on_the_fly=True), modality=modality, crop=crop, stride=stride)
    stored, leads = uneven.signals.open(), [uneven.leads.index(lead) for lead in ("I", "V2")]
    resident = store_items(uneven, ROWS, spec)
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    streamed = store_items(uneven, ROWS, spec)
    assert (resident.on_disk, streamed.on_disk) == (False, True)
    picks = scoring_picks(resident, 4) + [pick for epoch in range(3) for pick in training_picks(resident, 4, 0, epoch)]
    assert_equal(all_batches(streamed, picks), all_batches(resident, picks))
    assert_equal(all_batches(streamed, picks, workers=2), all_batches(resident, picks))
    for pick, batch in zip(picks, all_batches(resident, picks), strict=True):
        length = np.minimum(uneven.lengths[ROWS[pick.rows]], 250 if crop else 1000)
        width = 250 if crop else 1000 if modality == "image" else length.max()
        expected = np.full((len(length), 2, width), PADDING, np.int16)
        for place, row, start, n in zip(expected, ROWS[pick.rows], pick.starts, length, strict=True):
            place[:, :n] = stored[row][leads, start : start + n]
        np.testing.assert_array_equal(batch.raw, expected)
        if (length == width).all():
            assert batch.length is None
        else:
            assert batch.length.tolist() == length.tolist()


def test_a_drawn_crop_longer_than_any_item_is_padded(store: Store, monkeypatch):
    """As when a run of longer items scores this store."""
    spec = image_spec(store, on_the_fly=True, crop=12.0, stride=6.0)
    resident = store_items(store, ROWS, spec)
    monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    (pick,) = scoring_picks(resident, 100)
    batch = resident[pick]
    assert batch.raw.shape == (len(ROWS), 2, 1200)
    assert batch.length.tolist() == [1000] * len(ROWS)
    assert (batch.raw[..., 1000:] == PADDING).all()
    assert_equal([store_items(store, ROWS, spec)[pick]], [batch])


def test_whole_items_are_trained_on_whole(uneven: Store):
    """Even those that are longer than the items of the branch whose card this is."""
    items = store_items(uneven, ROWS, replace(signal_spec(uneven), n_samples=300))
    assert all((pick.starts == 0).all() for epoch in range(3) for pick in training_picks(items, 3, 0, epoch))


@pytest.mark.parametrize("leads", [("I", "II", "V2"), ("II", "V2"), ("V2", "I")])
def test_images_are_those_of_the_leads_in_their_order(store: Store, leads):
    items = store_items(store, ROWS, replace(image_spec(store), leads=leads))
    stored = {name: store.images[name].open() for name in ("gaf", "rp")}
    for batch in all_batches(items, scoring_picks(items, 3)):
        for image, row in zip(batch.raw, ROWS[batch.rows.numpy()], strict=True):
            expected = [stored[name][row, store.image_leads.index(lead)] for lead in leads for name in ("gaf", "rp")]
            np.testing.assert_array_equal(image, np.stack(expected))


def held_images(store: Store, spec: InputSpec, monkeypatch) -> Items:
    """Those of ``ROWS`` as a GPU would hold them, but here; three items at once on their way."""
    monkeypatch.setattr(placement, "_IMAGES_AT_ONCE", 3)
    stored = placement.StoredImages(store, ROWS, spec)
    return placement.ResidentImages(placement._resident_images(stored, placement.CPU), spec)


@pytest.mark.parametrize("leads", [("I", "II", "V2"), ("V2", "I")])
def test_images_that_are_held_equal_those_from_disk(store: Store, monkeypatch, leads):
    spec = replace(image_spec(store), leads=leads)
    held, stored = held_images(store, spec, monkeypatch), store_items(store, ROWS, spec)
    assert (held.on_disk, stored.on_disk) == (False, True)
    assert (held.lengths.tolist(), held.crop_samples) == (stored.lengths.tolist(), stored.crop_samples)
    picks = training_picks(held, 3, 0, 0) + scoring_picks(held, 4)
    assert_equal(all_batches(held, picks, workers=2), all_batches(stored, picks))


@pytest.fixture
def images_go_nowhere(monkeypatch):
    monkeypatch.setattr(placement, "_resident_images", lambda stored, home: torch.empty(len(stored), device="meta"))


@pytest.mark.usefixtures("images_go_nowhere")
@pytest.mark.parametrize("home", MEMORY)
def test_a_gpu_holds_the_images_that_fit_and_nothing_is_said(store: Store, fake_gpu, told, home: str):
    gpu = fake_gpu(home)
    items = store_items(store, ROWS, image_spec(store), gpu)
    assert isinstance(items, placement.ResidentImages) == (home == "gpu")
    assert told == []
    assert isinstance(store_items(store, ROWS, image_spec(store)), placement.StoredImages)


def test_images_take_a_share_of_a_gpu_at_most(store: Store, monkeypatch):
    spec, gpu = image_spec(store), torch.device("cuda", 0)
    n_bytes = 20 * 2 * 2 * 32 * 32  # of two leads and two representations
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (4 * n_bytes, 0))
    assert placement.images_lie_on(gpu, store, 20, spec)
    assert not placement.images_lie_on(gpu, store, 21, spec)
    assert not placement.images_lie_on(placement.CPU, store, 20, spec)


@pytest.mark.parametrize("home", MEMORY)
def test_workers_are_refused_where_a_gpu_holds_the_images(store: Store, fake_gpu, home: str):
    gpu, specs = fake_gpu(home), [image_spec(store)]
    assert placement.choose_workers(None, store, store.n_items, specs, gpu) == 0
    if home == "gpu":
        with pytest.raises(EcgFusionError, match=r"-workers 2: .* unless a GPU holds them, .* leave it out"):
            placement.choose_workers(2, store, store.n_items, specs, gpu)
    else:
        assert placement.choose_workers(2, store, store.n_items, specs, gpu) == 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, or not asked for with -m gpu")
@pytest.mark.parametrize(("crop", "stride"), [WHOLE, CROPS])
@pytest.mark.parametrize("home", ["gpu", "disk"])
def test_a_batch_on_the_gpu_is_that_on_the_cpu(uneven: Store, monkeypatch, home, crop, stride):
    spec, gpu = signal_spec(uneven, crop, stride), torch.device("cuda", 0)
    here = store_items(uneven, ROWS, spec)
    if home == "disk":
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (0, 0))
        monkeypatch.setattr(placement, "machine_memory", lambda: 0)
    there = store_items(uneven, ROWS, spec, gpu)
    picks = training_picks(here, 3, 0, 0)
    for ours, theirs in zip(load(there, picks, 2 if there.on_disk else 0, gpu), all_batches(here, picks), strict=True):
        assert (ours.raw.device == gpu) == (home == "gpu")
        moved = ours.to(gpu)
        assert (moved.raw.device, moved.rows.device) == (gpu, gpu)
        assert moved.length is None or moved.length.device.type == "cpu"
        assert_equal([moved.to(torch.device("cpu"))], [theirs])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, or not asked for with -m gpu")
@pytest.mark.parametrize("home", ["gpu", "disk"])
def test_a_batch_of_images_on_the_gpu_is_that_on_the_cpu(store: Store, monkeypatch, home):
    spec, gpu = image_spec(store), torch.device("cuda", 0)
    if home == "disk":
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (0, 0))
    here, there = store_items(store, ROWS, spec), store_items(store, ROWS, spec, gpu)
    assert there.on_disk == (home == "disk")
    for epoch in range(2):  # which the same processes read
        picks = training_picks(here, 3, 0, epoch)
        for ours, theirs in zip(load(there, picks, 2, gpu), all_batches(here, picks), strict=True):
            assert (ours.raw.device == gpu) == (home == "gpu")
            assert_equal([ours.to(gpu).to(torch.device("cpu"))], [theirs])
