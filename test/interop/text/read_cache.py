"""Reads caches of encoded text by docs/text.md alone, and compares them with what their definition gives."""

import json
import math
import sys
import zlib
from pathlib import Path

import numpy as np

EOS = 256


def splits_of(count, settings):
    def take(rows, share):
        taken = math.ceil(share * len(rows))
        if not settings["splitShuffle"]:
            return rows[: len(rows) - taken], rows[len(rows) - taken :]
        order = np.random.default_rng(settings["splitSeed"]).permutation(len(rows))
        return rows[order[taken:]], rows[order[:taken]]

    train, validation = take(np.arange(count), settings["validationSplit"])
    validation, test = take(validation, 0.25)
    return {"train": train, "validation": validation, "test": test}


def main(folder):
    texts = json.loads((folder / "texts.json").read_text())
    encoded = [[*text.encode(), EOS] if text else [] for text in texts]
    caches = [path for path in (folder / "caches").iterdir() if not path.name.startswith(".")]
    assert len(caches) == 3, caches
    for cache in caches:
        text = (cache / "config.json").read_text()
        config = json.loads(text)
        sealed = text[: text.rindex(',\n  "crc32": ')]
        assert config["crc32"] == zlib.crc32(sealed.encode()), cache
        assert config["fingerprint"] == f"sha256:{cache.name}"
        for split, rows in splits_of(len(texts), config["settings"]).items():
            said = config["splits"][split]
            for name, crc in ((split, "tokensCrc32"), (f"{split}.documents", "documentsCrc32")):
                assert zlib.crc32((cache / f"{name}.npy").read_bytes()) == said[crc], name
            tokens = np.load(cache / f"{split}.npy", mmap_mode="r")
            ends = np.load(cache / f"{split}.documents.npy", mmap_mode="r")
            documents = [encoded[row] for row in rows if encoded[row]]
            assert tokens.dtype == config["dtype"] and ends.dtype == np.int64
            np.testing.assert_array_equal(tokens, np.concatenate(documents))
            np.testing.assert_array_equal(ends, np.cumsum([len(document) for document in documents]))
            assert said["tokens"] == len(tokens) and said["documents"] == len(ends)
    print(f"{len(caches)} caches are what their definition says")


main(Path(sys.argv[1]))
