"""python agreement.py SAMPLES CONFIGURATIONS: the Python reader sees what Node wrote, and goes on from Node's states as Node does.

SAMPLES is what write-datasets.mjs made, CONFIGURATIONS what write-configurations.mjs made. Ends with an error at the first difference.
"""

import itertools
import json
import shutil
import sys
import tempfile
from pathlib import Path

from encode import encode_value
from reader import Dataset, columns_of
from streams import Stream


def encode_record(schema, record):
    def leaves(schema, value):
        if columns_of(schema) == [schema]:
            return [value]
        pairs = zip(schema, value) if isinstance(schema, list) else ((schema[key], value[key]) for key in schema)
        return [leaf for child, item in pairs for leaf in leaves(child, item)]

    return [encode_value(column["dtype"], value) for column, value in zip(columns_of(schema), leaves(schema, record))]


def compare_samples(folder):
    expected = json.loads((folder / "expected.json").read_text())
    assert len(expected) >= 37, "samples are missing"
    records = 0
    for id, sample in expected.items():
        dataset = Dataset(folder, id, "1.0")
        assert dataset.length == sample["length"]
        assert dataset.fingerprint() == dataset.manifest["fingerprint"] == sample["fingerprint"], f"{id}: fingerprint"
        rows = zip(*(column["values"] for column in sample["columns"]), strict=True)
        for index, row in enumerate(rows):
            assert encode_record(dataset.schema, dataset.record(index)) == list(row), f"{id}: record {index}"
            records += 1
    print(f"reader: {len(expected)} datasets, {records} records, checksums and fingerprints agree")


def compare_configurations(folder):
    made = json.loads((folder / "configurations.json").read_text())
    assert len(made["configurations"]) >= 20, "configurations are missing"
    elements, kinds = 0, set()
    for number, c in enumerate(made["configurations"]):
        dataset = Dataset(folder, c["id"], "1.0")
        assert dataset.fingerprint() == dataset.manifest["fingerprint"], f"{c['id']}: fingerprint"
        parts = [part["records"] for part in dataset.manifest["parts"]]
        stream = Stream(parts, c["steps"], c["state"], c["shardRank"], c["numShards"], c["drop"])
        for wanted, limit in ((c["rest"], None), (c["next"], len(c["next"]))):
            got = list(itertools.islice(stream.iteration(), limit))
            what = f"configuration {number} of seed {made['seed']}: { {**c, 'rest': ..., 'next': ...} }"
            assert len(got) == len(wanted), f"{what}: {len(got)} elements, Node has {len(wanted)}"
            for (indices, state), element in zip(got, wanted):
                assert element["indices"] in (None, indices), f"{what}: {indices} is not {element['indices']}"
                assert state == element["state"], f"{what}: {state} is not {element['state']}"
                records = [encode_record(dataset.schema, dataset.record(index)) for index in indices]
                assert records == element["records"][: len(records)], f"{what}: records of {indices}"
                elements += 1
        order = c["state"]["node"]
        while order["kind"] == "step":
            order = order["input"]
        kinds.add(order["order"]["algorithm"])
    print(f"streams: {len(made['configurations'])} configurations (seed {made['seed']}), {elements} elements and states agree")
    assert kinds == {"sequential", "numpy", "permutation", "parts"}, f"only {kinds}"


def refuse_damage(golden, scratch):
    """Every seventh byte of every file of docs/format.md's datasets, flipped, is noticed."""
    shutil.copytree(golden, scratch / "golden")
    flipped = 0
    for path in sorted(p for p in (scratch / "golden").rglob("*") if p.is_file()):
        whole = path.read_bytes()
        for at in range(0, len(whole), 7):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            try:
                Dataset(scratch / "golden", path.relative_to(scratch / "golden").parts[0], "1.0")
            except Exception:
                flipped += 1
                continue
            raise AssertionError(f"{path}: a flipped bit in byte {at} went unnoticed")
        path.write_bytes(whole)
    tiny, shares = (Dataset(scratch / "golden", id, "1.0") for id in ("tiny", "shares"))
    assert tiny.length == shares.length == 3 and len(shares.parts) == 3
    assert tiny.fingerprint() == shares.fingerprint() == shares.manifest["fingerprint"]
    rows = [[encode_record(dataset.schema, dataset.record(i)) for i in range(3)] for dataset in (tiny, shares)]
    assert rows[0] == rows[1], "parts of several generations are read as one dataset"
    print(f"reader: {flipped} flipped bytes refused")


with tempfile.TemporaryDirectory() as scratch:
    refuse_damage(Path(__file__).parent / "golden", Path(scratch))
compare_samples(Path(sys.argv[1]))
compare_configurations(Path(sys.argv[2]))
