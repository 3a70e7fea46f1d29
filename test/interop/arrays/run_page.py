"""run_page.py ROOT: the programs of docs/arrays-in-python.md, in a folder with data/ of write-page.mjs; torch's where it is installed."""
import importlib.util
import re
import sys
from pathlib import Path

docs = Path(sys.argv[1]) / "docs"
programs = re.findall(r"^```python\n(.*?)^```$", (docs / "arrays-in-python.md").read_text(), re.M | re.S)
opening, dataset, training = programs
scope = {}
exec(opening, scope)
exec(dataset, scope)

rows = re.findall(r"^\| (\S.*?) +\| (arrays%/\S+)/ +\|$", (docs / "arrays.md").read_text(), re.M)
assert len(rows) >= 9
for name, folder in rows:
    assert scope["folder_of"]("", name.replace(r"\_", "_")) == Path(folder), name

arrays = scope["open_dataset"]("data", "mnist/train")
assert arrays["label"].oindex[[199, 3]].tolist() == [9, 3]
assert arrays["image"].oindex[[199, 3]].shape == (2, 28, 28)
has_torch = importlib.util.find_spec("torch") is not None
if has_torch:
    exec(training, scope)
print(f"arrays: the page for Python runs {'with' if has_torch else 'without'} torch")
