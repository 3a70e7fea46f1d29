"""peers.py WORKLOAD SCALE RAW PEER RECORDS BATCH: epochs of other loaders over a memory map, fully shuffled, in one process.

PEER torchdata: StatefulDataLoader with a BatchSampler as its sampler, so that one indexing fetches a batch.
PEER grain: MapDataset.shuffle.batch over random access to single records, no threads.
"""
import json
import sys
import time

import numpy as np

name, scale, raw, peer, records, batch = sys.argv[1:7]
records, batch = int(records), int(batch)
SHAPES = {"w1": (np.uint8, (28, 28)), "w3": (np.uint16, (1025,)), "w4": (np.float32, (3, 64, 64))}
SEED = 7

labels = np.arange(records, dtype=np.int64) if name == "w3" else np.fromfile(f"{raw}/y.bin", np.int64)
if name == "w2":
    view = memoryview(np.asarray(np.memmap(f"{raw}/x.bin", np.uint8, "r")))
    ends = np.fromfile(f"{raw}/off.bin", np.int64).tolist()
else:
    dtype, shape = SHAPES[name]
    x = np.asarray(np.memmap(f"{raw}/x.bin", dtype, "r")).reshape((-1,) + shape)


def record(i):
    return bytes(view[ends[i]:ends[i + 1]]) if name == "w2" else x[i]


class Batches:
    """Indexed by a list of rows: a whole batch."""

    def __len__(self):
        return records

    def __getitem__(self, rows):
        if name == "w2":
            return [record(i) for i in rows], labels[rows]
        return x[rows], labels[rows]


class Records:
    """Indexed by one row."""

    def __len__(self):
        return records

    def __getitem__(self, i):
        return {"x": record(i), "y": labels[i]}

    def __repr__(self):
        return f"Records({name})"


def torchdata():
    import torch
    from torch.utils.data import BatchSampler, RandomSampler
    from torchdata.stateful_dataloader import StatefulDataLoader

    torch.set_num_threads(1)
    source = Batches()
    generator = torch.Generator().manual_seed(SEED)
    sampler = BatchSampler(RandomSampler(source, generator=generator), batch, False)
    loader = StatefulDataLoader(source, sampler=sampler, batch_size=None)
    return lambda number: iter(loader)


def grain():
    import grain

    def join(items):
        return {"x": [item["x"] for item in items], "y": np.array([item["y"] for item in items], np.int64)}

    def epoch(number):
        dataset = grain.MapDataset.source(Records()).shuffle(seed=SEED + number)
        dataset = dataset.batch(batch, batch_fn=join) if name == "w2" else dataset.batch(batch)
        for got in dataset.to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)):
            yield got["x"], got["y"]

    return epoch


def answer(**line):
    print(json.dumps(line), flush=True)


epoch = {"torchdata": torchdata, "grain": grain}[peer]()
seen = []
for got, rows in epoch(0):
    rows = np.asarray(rows)
    seen.append(rows)
    if name == "w2":
        assert all(a == record(i) for a, i in zip(got, rows.tolist()))
    else:
        assert np.array_equal(np.asarray(got), x[rows])
assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(records))
number = 1
answer(ready=True, verified=True)
for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
        started = time.perf_counter()
        for _batch in epoch(number):
            pass
        seconds.append(time.perf_counter() - started)
        number += 1
    answer(seconds=seconds)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
answer(peakMemoryBytes=peak)
