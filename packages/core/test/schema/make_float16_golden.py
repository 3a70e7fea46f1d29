"""Writes golden/float16.json: numpy's conversions between float16 and float64. Run: python make_float16_golden.py (needs numpy)."""

import hashlib
import json
import pathlib
import struct

import numpy

SEED = 20240501


def hexadecimal(values):
    return [struct.pack('>d', value).hex() for value in values]


bits = numpy.arange(2**16, dtype=numpy.uint16)
numbers = bits.view(numpy.float16).astype(numpy.float64)
finite = numbers[numpy.isfinite(numbers)]
is_number = ~numpy.isnan(numbers)

ordered = numpy.unique(finite)
middles = (ordered[:-1] + ordered[1:]) / 2
random = numpy.random.RandomState(SEED)
picked = random.choice(middles, 120, replace=False)
values = numpy.concatenate(
    [
        picked,
        numpy.nextafter(picked, numpy.inf),
        numpy.nextafter(picked, -numpy.inf),
        random.choice(ordered, 60, replace=False),
        random.standard_normal(100) * 10.0 ** random.randint(-9, 6, 100),
        [0.0, -0.0, 65504.0, 65519.999, 65520.0, -65520.0, 1e300, -1e300, 2.0**-24, 2.0**-25, 2.0**-26, 1.5 * 2.0**-25],
        [2.0**-14, numpy.nextafter(2.0**-14, 0), 5e-324, numpy.inf, -numpy.inf],
    ]
)
with numpy.errstate(over='ignore'):
    halves = values.astype(numpy.float16).view(numpy.uint16)

golden = {
    'numpy': numpy.__version__,
    'numbersSha256': hashlib.sha256(numbers[is_number].astype('<f8').tobytes()).hexdigest(),
    'values': hexadecimal(values),
    'bits': halves.tolist(),
}
path = pathlib.Path(__file__).parent / 'golden' / 'float16.json'
path.write_text(json.dumps(golden) + '\n')
