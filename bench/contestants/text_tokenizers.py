"""text_tokenizers.py TOKENIZER CORPUS THREADS: the corpus encoded by Python's `tokenizers`, a thousand lines a call."""
import json
import os
import sys
import time

path, corpus, threads = sys.argv[1:4]
os.environ["RAYON_NUM_THREADS"] = threads
os.environ["TOKENIZERS_PARALLELISM"] = "true" if int(threads) > 1 else "false"
from tokenizers import Tokenizer  # noqa: E402

with open(corpus, encoding="utf8") as file:
    lines = json.load(file)
chunks = [lines[start : start + 1024] for start in range(0, len(lines), 1024)]
tokenizer = Tokenizer.from_file(path)


def epoch():
    return sum(len(encoding.ids) for chunk in chunks for encoding in tokenizer.encode_batch_fast(chunk))


def answer(**line):
    print(json.dumps(line), flush=True)


answer(ready=True, tokens=epoch())
for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
        started = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - started)
    answer(seconds=seconds)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
answer(peakMemoryBytes=peak)
