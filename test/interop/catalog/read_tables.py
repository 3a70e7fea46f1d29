"""python read_tables.py FOLDER: DuckDB, pandas, polars and pyarrow read the tables that Node saved, by path, as they were."""

import json
import sys
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.dataset

folder = Path(sys.argv[1])
expected = sorted(json.loads((folder / "expected.json").read_text()), key=lambda row: row["text"])
checked = 0


def check(peer, rows, columns=tuple(expected[0])):
    """That rows are those that were saved, in any order."""
    global checked
    found = sorted(rows, key=lambda row: row["text"])
    assert len(found) == len(expected), f"{peer}: {len(found)} rows"
    for row, wanted in zip(found, expected):
        for name in columns:
            value = row[name]
            value = value.tolist() if hasattr(value, "tolist") else value
            assert value == wanted[name], f"{peer}: {name} of {wanted['text']} is {value!r}, not {wanted[name]!r}"
    checked += len(found)


# The files that a table is stored in: Arrow. A table's folder is its id, one folder in it for each segment.
for name in ("whole", "parts"):
    files = sorted(map(str, folder.glob(f"data/catalog%3Ateam%2F{name}/*/data/*/*.arrow")))
    table = pa.dataset.dataset(files, format="arrow").to_table()
    check("pyarrow", table.to_pylist())
    check("pandas", pa.dataset.dataset(files, format="arrow").to_table().to_pandas().to_dict("records"))
    check("polars", polars.concat([polars.read_ipc(file) for file in files]).to_dicts())
    narrow = table.drop_columns(["half"])  # DuckDB has no type of 16 bits
    columns = [column for column in expected[0] if column != "half"]
    check("DuckDB", duckdb.sql("from narrow").to_arrow_table().to_pylist(), columns)

one = sorted(map(str, folder.glob("data/catalog%3Ateam%2Fparts/*lang%3Den.label%3D1/data/*/*.arrow")))
rows = pa.dataset.dataset(one, format="arrow").to_table().to_pylist()
assert {(row["lang"], row["label"]) for row in rows} == {("en", 1)} and len(one) == 2, one

# What toParquet wrote: a file, and folders as Hive has them.
columns = [column for column in expected[0] if column != "half"]
check("pandas", pandas.read_parquet(folder / "whole.parquet").to_dict("records"))
check("polars", polars.read_parquet(folder / "whole.parquet").to_dicts())
check("DuckDB", duckdb.sql(f"select * exclude half from '{folder}/whole.parquet'").to_arrow_table().to_pylist(), columns)
check("pandas", pandas.read_parquet(folder / "parts").to_dict("records"))
check("polars", polars.read_parquet(f"{folder}/parts/**/*.parquet", hive_partitioning=True).to_dicts())
hive = f"read_parquet('{folder}/parts/**/*.parquet', hive_partitioning = true)"
check("DuckDB", duckdb.sql(f"select * exclude half from {hive}").to_arrow_table().to_pylist(), columns)
count = duckdb.sql(f"select count(*) from {hive} where lang = 'fr/CH' and label = 0").fetchall()[0][0]
assert count == sum(row["lang"] == "fr/CH" and row["label"] == 0 for row in expected)
print(f"catalog: {checked} rows read as they were saved, by pyarrow, pandas, polars and DuckDB")
