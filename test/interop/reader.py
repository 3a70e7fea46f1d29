"""A second reader of stored datasets: plain Python and numpy, written from docs/format.md alone."""

import hashlib
import json
import zlib
from pathlib import Path

import numpy as np

from encode import NUMPY

PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
is_field = lambda schema: isinstance(schema, dict) and isinstance(schema.get("dtype"), str) and isinstance(schema.get("shape"), list)
children = lambda schema: schema if isinstance(schema, list) else list(schema.values())
columns_of = lambda schema: [schema] if is_field(schema) else [c for child in children(schema) for c in columns_of(child)]
segment = lambda text: "".join(chr(b) if b in PLAIN else f"%{b:02X}" for b in text.encode())


def assemble(schema, values):
    if is_field(schema):
        return next(values)
    if isinstance(schema, list):
        return [assemble(child, values) for child in schema]
    return {key: assemble(child, values) for key, child in schema.items()}


class Dataset:
    """A stored dataset, its checksums compared: `length`, `columns`, `record(index)`, `fingerprint()`."""

    def __init__(self, root, id, version):
        folder = Path(root) / segment(id) / segment(version)
        text, _, end = (folder / "dataset.json").read_bytes().rpartition(b',\n  "crc32": ')
        assert end == b"%d\n}\n" % zlib.crc32(text), "the manifest's checksum is wrong"
        self.manifest = json.loads(text + b"}")
        assert self.manifest["format"] == "dataref-dataset" and self.manifest["formatVersion"] in (1, 2)
        assert (self.manifest["id"], self.manifest["version"]) == (id, version), "a copied folder"
        self.schema, self.length = self.manifest["schema"], self.manifest["length"]
        self.columns = columns_of(self.schema)
        self.files = self.places(folder / "data")
        self.parts = [self.open(number, info) for number, info in enumerate(self.manifest["parts"])]
        self.starts = np.cumsum([0] + [info["records"] for info in self.manifest["parts"]])
        assert self.starts[-1] == self.length
        has_heads = self.manifest["layout"]["head"] != self.manifest["layout"]["body"]
        sizes = (info["byteLength"] + has_heads * info["headBytes"] for info in self.manifest["parts"])
        assert self.manifest["byteLength"] == sum(sizes), "byteLength is not that of the files"

    def places(self, data):
        """Each part's files without their ending: its number is that among the parts of its generation."""
        places, counts = [], {}
        for info in self.manifest["parts"]:
            own = info.get("generation") if self.manifest["formatVersion"] == 2 else None
            generation = self.manifest["generation"] if own is None else own
            assert len(generation) == 16 and set(generation) <= set("0123456789abcdef"), "a generation of another form"
            counts[generation] = counts.get(generation, -1) + 1
            places.append(data / generation / f"{counts[generation]:08}")
        return places

    def open(self, number, info):
        """A part's buffers by column and role, and its rows' checksums compared."""
        layout = self.manifest["layout"]
        arrow = self.files[number].with_suffix(".arrow").read_bytes()
        assert (len(arrow), zlib.crc32(arrow)) == (info["byteLength"], info["crc32"]), f"part {number} is damaged"
        body = arrow[info["bodyStart"] :]
        head = self.files[number].with_suffix(".head").read_bytes() if layout["head"] != layout["body"] else body[: info["headBytes"]]
        assert (len(head), zlib.crc32(head)) == (info["headBytes"], info["headCrc32"]), f"head {number} is damaged"
        part, small = self.place(layout["body"], body, info), self.place(layout["head"], head, info)
        for (leaf, role), buffer in small.items():
            own = self.checksums(part, leaf, info["records"]) if role == "checksum" else part[leaf, role]
            assert np.array_equal(buffer, own, equal_nan=buffer.dtype.kind == "f"), f"head {number}: {leaf} {role}"
        return part | small

    def place(self, buffers, data, info):
        variable = [leaf for leaf, c in enumerate(self.columns) if c["dtype"] in ("string", "bytes") or None in c["shape"]]
        at, placed = 0, {}
        for leaf, role, stride in (buffer.values() for buffer in buffers):
            size = stride * (info["records"] + (role == "offsets"))
            if role == "values" and leaf in variable:
                size = info["valueBytes"][variable.index(leaf)]
            kind = {"offsets": "u4", "checksum": "u4", "shape": "i4"}.get(role) or NUMPY.get(self.columns[leaf]["dtype"], "u1")
            placed[leaf, role] = np.frombuffer(data[at : at + size], "<" + kind)
            at += -(-size // 8) * 8
        return placed

    def row(self, part, leaf, i):
        if (leaf, "offsets") in part:
            start, end = part[leaf, "offsets"][i : i + 2]
        else:
            size = int(np.prod(self.columns[leaf]["shape"], dtype=int))
            start, end = i * size, (i + 1) * size
        empty = np.empty(0, NUMPY.get(self.columns[leaf]["dtype"], "u1"))
        return part.get((leaf, "values"), empty)[start:end]

    def checksums(self, part, leaf, records):
        return np.array([zlib.crc32(self.row(part, leaf, i)) for i in range(records)], "<u4")

    def value(self, part, leaf, i):
        flat, (dtype, shape) = self.row(part, leaf, i), self.columns[leaf].values()
        if dtype in ("string", "bytes"):
            return flat.tobytes().decode() if dtype == "string" else flat.tobytes()
        if None in shape:
            return flat.reshape(part[leaf, "shape"].reshape(-1, len(shape))[i] if len(shape) > 1 else -1)
        return flat.reshape(shape) if shape else flat[0]

    def record(self, index):
        number = int(np.searchsorted(self.starts, index, "right")) - 1
        values = (self.value(self.parts[number], leaf, index - self.starts[number]) for leaf in range(len(self.columns)))
        return assemble(self.schema, values)

    def fingerprint(self):
        lines = ["dataref-fingerprint-1", json.dumps(self.schema, separators=(",", ":"), ensure_ascii=False), str(self.length)]
        for leaf, column in enumerate(self.columns):
            if (leaf, "offsets") in self.parts[0]:
                sizes = [p[leaf, "shape"] if len(column["shape"]) > 1 else np.diff(p[leaf, "offsets"]) for p in self.parts]
                lines.append(hashlib.sha256(b"".join(s.tobytes() for s in sizes)).hexdigest())
            hashed = [p.get((leaf, "checksum"), p.get((leaf, "values"), np.empty(0))) for p in self.parts]
            lines.append(hashlib.sha256(b"".join(h.tobytes() for h in hashed)).hexdigest())
        return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()
