"""python peers.py FOLDER: pyarrow, polars, DuckDB, pandas and Hugging Face datasets open the parts that Node stored, and see its values.

FOLDER is what write-datasets.mjs made. Prints how many values each peer agreed on; ends with an error at the first that differs.
"""

import itertools
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="dataref-peers-")

import datasets
import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.dataset
import pyarrow.feather

from encode import encode_value

ARROW = {"string": pa.string(), "bytes": pa.binary(), "bool": pa.uint8(), "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64()}
ARROW |= {name: getattr(pa, name)() for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")}


def arrow_type(dtype, shape):
    """The type that docs/format.md gives a column."""
    element = ARROW[dtype]
    item = lambda inner: pa.field("item", inner, nullable=False)
    if None in shape:
        values = pa.list_(item(element))
        if len(shape) == 1:
            return values
        sizes = pa.list_(item(pa.int32()), len(shape))
        return pa.struct([pa.field("values", values, nullable=False), pa.field("shape", sizes, nullable=False)])
    for size in reversed(shape):
        element = pa.list_(item(element), size)
    return element


def check_file(path, manifest, part, columns):
    """The types, the metadata, and that the manifest's offsets are those of Arrow's own buffers."""
    source = pa.memory_map(str(path))
    reader = pa.ipc.open_file(source)
    assert reader.num_record_batches == 1
    batch = reader.get_batch(0)
    assert batch.num_rows == part["records"]
    stored = [column for column in columns if column["isStored"]]
    wanted = pa.schema([pa.field(c["name"], arrow_type(c["dtype"], c["shape"]), nullable=False) for c in stored])
    assert reader.schema.equals(wanted), f"{path}: {reader.schema} is not {wanted}"
    canonical = json.dumps(manifest["schema"], separators=(",", ":"), ensure_ascii=False)
    assert reader.schema.metadata == {b"dataref:schema": canonical.encode()}, reader.schema.metadata

    base = source.read_buffer()
    stream = pa.ipc.open_stream(base.slice(8))  # from the schema message on, the file is a stream too
    assert stream.read_next_batch().serialize() == batch.serialize(), f"{path}: differs as a stream"

    found = [buffer for column in batch.columns for buffer in column.buffers()]
    assert all(column.null_count == 0 for column in batch.columns)
    starts, at, variable = [], part["bodyStart"], iter(part["valueBytes"])
    for buffer in manifest["layout"]["body"]:
        rows = part["records"] + (buffer["role"] == "offsets")
        size = next(variable) if buffer["role"] == "values" and buffer["stride"] == 0 else rows * buffer["stride"]
        starts.append((at, size))
        at += -(-size // 8) * 8
    present = [(b.address - base.address, b.size) for b in found if b is not None and b.size > 0]
    assert [start for start, size in starts if size > 0] == [start for start, _ in present], f"{path}: {starts} are not {present}"
    assert all(mine <= theirs for (_, mine), (_, theirs) in zip([s for s in starts if s[1] > 0], present))


def values_of(column, rows):
    """A library's values of a column, one a row, in the form of encode_value."""
    dtype, shape = column["dtype"], column["shape"]
    for value in rows:
        if None in shape and len(shape) > 1:
            yield encode_value(dtype, value["values"], value["shape"])
        else:
            yield encode_value(dtype, value)


def read_pyarrow(paths):
    table = pa.concat_tables([pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in paths])
    return table.num_rows, lambda name: table.column(name).to_pylist()


def read_pyarrow_dataset(paths):
    table = pa.dataset.dataset([str(path) for path in paths], format="ipc").to_table()
    return table.num_rows, lambda name: table.column(name).to_pylist()


def read_polars(paths):
    frame = polars.concat([polars.read_ipc(path) for path in paths])
    return frame.height, lambda name: frame.get_column(name).to_list()


def read_polars_lazily(paths):
    frame = polars.scan_ipc(paths).collect()
    return frame.height, lambda name: frame.get_column(name).to_list()


def read_duckdb(paths):
    table = pa.dataset.dataset([str(path) for path in paths], format="ipc").to_table()
    connection = duckdb.connect()
    connection.register("part", table.select([f.name for f in table.schema if not has_float16(f.type)]))
    ((rows,),) = connection.sql("select count(*) from part").fetchall()
    return rows, lambda name: [row[0] for row in connection.sql(f'select "{name}" from part').fetchall()]


def read_pandas(paths):
    def plain(value):  # nested lists are arrays of arrays of objects
        return [plain(item) for item in value] if getattr(value, "dtype", None) == object else value

    frame = pandas.concat([pandas.read_feather(path) for path in paths])
    return len(frame), lambda name: [plain(value) for value in frame[name]]


def read_hugging_face(paths):
    data = datasets.load_dataset("arrow", data_files=[str(path) for path in paths], split="train")
    return len(data), lambda name: list(data[name])


def has_float16(kind):
    return pa.types.is_float16(kind) or any(has_float16(kind.field(i).type) for i in range(kind.num_fields))


PEERS = {
    f"pyarrow {pa.__version__}": read_pyarrow,
    "pyarrow.dataset": read_pyarrow_dataset,
    f"polars {polars.__version__}": read_polars,
    "polars, lazily": read_polars_lazily,
    f"duckdb {duckdb.__version__}": read_duckdb,
    f"pandas {pandas.__version__}": read_pandas,
    f"datasets {datasets.__version__}": read_hugging_face,
}


def refused(read, error):
    try:
        read()
    except Exception as problem:
        assert error in str(problem), f"expected {error!r}, got {problem!r}"
        return True
    raise AssertionError(f"expected {error!r}: this limit is gone, so docs/format.md and this test can be mended")


def is_known_limit(read, dataset, column, paths, scratch):
    """What docs/format.md lists as a peer's limit, each shown to be there still, and to be the peer's own."""
    if read is read_duckdb and column["dtype"] == "float16":
        table = pa.ipc.open_file(str(paths[0])).read_all()
        return refused(lambda: duckdb.connect().register("part", table).sql("select * from part").fetchall(), "Arrow Type e")
    if read is read_hugging_face and dataset["length"] == 0:
        own = scratch / "empty.arrow"
        pa.feather.write_feather(pa.table({"x": pa.array([], pa.int32())}), own, compression="uncompressed")
        return refused(lambda: read(paths), "no data") and refused(lambda: read([own]), "no data")
    return False


def main(folder, scratch):
    expected = json.loads((folder / "expected.json").read_text())
    assert len(expected) >= 37, "samples are missing"
    counts, limits = dict.fromkeys(PEERS, 0), dict.fromkeys(PEERS, 0)
    for id, dataset in expected.items():
        home = folder / id / "1.0"
        manifest = json.loads((home / "dataset.json").read_text())
        paths = sorted((home / "data" / manifest["generation"]).glob("*.arrow"))
        assert len(paths) == len(manifest["parts"]) == (2 if id == "parts" else 1)
        for path, part in zip(paths, manifest["parts"]):
            check_file(path, manifest, part, dataset["columns"])
        stored = [column for column in dataset["columns"] if column["isStored"]]
        opened = {}
        for (peer, read), column in itertools.product(PEERS.items(), stored):
            if is_known_limit(read, dataset, column, paths, scratch):
                limits[peer] += 1
                continue
            try:
                rows, values = opened[peer] = opened.get(peer) or read(paths)
                assert rows == dataset["length"], f"{rows} rows, not {dataset['length']}"
                got = list(values_of(column, values(column["name"])))
                assert got == column["values"], f"{got} are not {column['values']}"
            except Exception as problem:
                raise AssertionError(f"{peer}: {id}, column {column['name']}: {problem!r}") from problem
            counts[peer] += len(got)
    for peer, count in counts.items():
        print(f"{peer}: {count} values agree" + (f", {limits[peer]} columns are beyond it" if limits[peer] else ""))
    assert min(counts.values()) > 700


with tempfile.TemporaryDirectory(prefix="dataref-peers-") as scratch:
    main(Path(sys.argv[1]), Path(scratch))
