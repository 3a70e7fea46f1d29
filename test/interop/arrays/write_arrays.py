"""Writes arrays for read-arrays.mjs: Zarr v3 and v2, every codec, shards, orders of axes and of bytes, fill values.

Each has `NAME.bin` beside it: its values as little-endian bytes in C order. `python write_arrays.py FOLDER`
"""
import json
import sys
from pathlib import Path

import numpy as np
import tensorstore
import zarr
from numcodecs import GZip, LZ4, Blosc, Delta, Shuffle, Zlib, Zstd
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec
from zarr.codecs import numcodecs as named

import image_codecs

image_codecs.register()
folder = Path(sys.argv[1])
random = np.random.default_rng(5)
DTYPES = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64".split()
SHAPE, CHUNK = (7, 5, 6), (3, 2, 6)
written: list[str] = []


def values_of(dtype: str, shape=SHAPE) -> np.ndarray:
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    return random.integers(0, 100, shape).astype(dtype)


def note(name: str, values: np.ndarray, is_lossy: bool = False) -> None:
    little = values.astype(values.dtype.newbyteorder("<"))
    (folder / f"{name}.bin").write_bytes(little.tobytes())
    written.append({"name": name, "dtype": little.dtype.name, "shape": values.shape, "isLossy": is_lossy})


def write(name: str, values: np.ndarray, **options) -> None:
    options = {"chunks": CHUNK, "zarr_format": 3, **options}
    array = zarr.create_array(folder / "arrays%" / name, shape=values.shape, dtype=values.dtype, **options)
    array[:] = values
    note(name, array[:])


COMPRESSORS = {
    "none": None,
    "gzip": GzipCodec(),
    "zstd": ZstdCodec(level=5),
    "zstd-checksum": ZstdCodec(level=1, checksum=True),
    "crc32c": Crc32cCodec(),
    "lz4": named.LZ4(),
    "zlib": named.Zlib(),
    "two": (GzipCodec(), Crc32cCodec()),
    **{
        f"blosc-{cname}-{shuffle}": BloscCodec(cname=cname, shuffle=shuffle)
        for cname in ("lz4", "lz4hc", "blosclz", "zstd", "zlib")
        for shuffle in ("noshuffle", "shuffle", "bitshuffle")
    },
}
for dtype in DTYPES:
    for kind, compressors in COMPRESSORS.items():
        write(f"v3-{dtype}-{kind}", values_of(dtype), compressors=compressors)
    write(f"v3-{dtype}-big", values_of(dtype), serializer=BytesCodec(endian="big"))
    write(f"v3-{dtype}-axes", values_of(dtype), filters=[TransposeCodec(order=(1, 2, 0))])
    write(f"v3-{dtype}-shards", values_of(dtype), chunks=(1, 5, 3), shards=(3, 5, 6), compressors=ZstdCodec())
    write(f"v3-{dtype}-dots", values_of(dtype), chunk_key_encoding={"name": "default", "separator": "."})
    write(f"v3-{dtype}-v2-keys", values_of(dtype), chunk_key_encoding={"name": "v2", "separator": "."})
    for kind, compressor in {"none": None, "zlib": Zlib(), "gzip": GZip(), "lz4": LZ4(), "zstd": Zstd(), "blosc": Blosc()}.items():
        for order in "CF":
            write(f"v2-{dtype}-{kind}-{order}", values_of(dtype), zarr_format=2, compressors=compressor, order=order)
    if dtype != "bool":
        big = values_of(dtype).astype(np.dtype(dtype).newbyteorder(">"))
        write(f"v2-{dtype}-big", big, zarr_format=2)
        separator = {"name": "v2", "separator": "/"}
        write(f"v2-{dtype}-slash", values_of(dtype), zarr_format=2, chunk_key_encoding=separator)
        if dtype != "float16":
            write(f"v2-{dtype}-delta", values_of(dtype), zarr_format=2, filters=[Delta(dtype=dtype)])
        write(f"v2-{dtype}-shuffle", values_of(dtype), zarr_format=2, filters=[Shuffle(np.dtype(dtype).itemsize)])

for zarr_format in (2, 3):
    for dtype, fill in {"int16": -5, "uint64": 2**53 - 1, "float32": float("nan"), "float64": float("-inf"), "bool": True}.items():
        name = f"v{zarr_format}-{dtype}-fill"
        options = {"chunks": CHUNK, "zarr_format": zarr_format, "fill_value": fill}
        array = zarr.create_array(folder / "arrays%" / name, shape=SHAPE, dtype=dtype, **options)
        array[0:2, 0, 0] = 1
        note(name, array[:])

for kind in ("png", "jpeg"):
    for channels in (1, 3):
        values = (100 + 80 * np.sin(np.arange(2 * 16 * 12 * channels) / 300)).astype("uint8").reshape(2, 16, 12, channels)
        name = f"v3-{kind}-{channels}"
        codec = {"png": image_codecs.Png, "jpeg": image_codecs.Jpeg}[kind](level=9 if kind == "png" else 90)
        options = {"chunks": (1, 16, 12, channels), "serializer": codec, "compressors": None}
        array = zarr.create_array(folder / "arrays%" / name, shape=values.shape, dtype="uint8", **options)
        array[:] = values
        note(name, array[:], kind == "jpeg")

for driver in ("zarr", "zarr3"):
    for dtype in DTYPES:
        if dtype == "float16" and driver == "zarr":
            continue
        values = values_of(dtype)
        name = f"tensorstore-{driver}-{dtype}"
        kvstore = {"driver": "file", "path": f"{folder}/arrays%/{name}/"}
        spec = {"driver": driver, "kvstore": kvstore}
        store = tensorstore.open(spec, create=True, dtype=dtype, shape=SHAPE).result()
        store.write(values).result()
        note(name, values)

(folder / "written.json").write_text(json.dumps(written))
