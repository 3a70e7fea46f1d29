"""Compares what write-tokens.mjs wrote with Python's `tokenizers`, token by token: compare_tokens.py FOLDER."""

import json
import sys
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer

folder = Path(sys.argv[1])
load = lambda name: json.loads((folder / name).read_text("utf8"))  # noqa: E731
texts, pairs = load("all.json"), load("texts.json")
failures = 0
for path in sorted(folder.glob("ids-*.json")):
    name = path.stem.removeprefix("ids-")
    theirs = Tokenizer.from_file(str(folder / f"tokenizer-{name}.json"))
    ours = load(path.name)
    cases = [(text, None, ids) for text, ids in zip(texts, ours["singles"], strict=True)]
    cases += [(text, pairs[i - 1], ids) for i, (text, ids) in enumerate(zip(pairs, ours["pairs"], strict=True))]
    differing = []
    for text, pair, ids in cases:
        expected = theirs.encode(text, pair).ids
        if ids != expected:
            differing.append((text, pair, ids, expected))
    largest = max(max(ids, default=0) for _, _, ids in cases)
    assert largest < ours["vocabSize"] == theirs.get_vocab_size(), name
    tokens = sum(len(ids) for _, _, ids in cases)
    print(f"{name}: {len(cases)} texts, {tokens} tokens, {len(differing)} differ")
    for text, pair, ids, expected in differing[:3]:
        print(f"  {text[:80]!r} {pair!r}\n    ours   {ids[:40]}\n    theirs {expected[:40]}")
    failures += len(differing)
print(f"tokenizers {tokenizers.__version__}")
sys.exit(failures > 0)
