"""Writes selections.json: what numpy reads and assigns by basic indexing, with broadcasting and casts, and where it refuses.

Run: python selections.py (needs numpy). Where the library differs on purpose, numpy is not asked:
- steps are 1 or more;
- without cast, a value that the dtype cannot hold is refused (`fits` says which, with Python's own integers);
- floats beyond an integer's range, NaN and infinity become no integer of numpy's: its result depends on the machine;
- one plain array with as many elements as are selected is taken in C order, whatever their shape.
"""

import json
import math
import pathlib
import random
import warnings

import numpy

SEED = 20261126
GETS = 200
SETS = 400
DTYPES = 'bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64'.split()

rng = random.Random(SEED)
warnings.simplefilter('ignore')


def base(dtype, shape):
    """0, 1, 2 … in C order, 1 where there are bools."""
    numbers = numpy.arange(math.prod(shape)) % 100
    return (numbers % 2 if dtype == 'bool' else numbers).astype(dtype).reshape(shape)


def hexadecimal(array):
    return numpy.ascontiguousarray(array).astype(array.dtype.newbyteorder('<')).tobytes().hex()


def random_shape():
    return [rng.choice([0, 1, 1, 2, 3, 4, 5, 6]) if rng.random() < 0.3 else rng.randint(1, 5) for _ in range(rng.randint(0, 4))]


def random_index(size):
    kind = rng.random()
    if kind < 0.25:
        return rng.randint(-size - 1, size) if rng.random() < 0.15 else rng.randint(-size, max(-size, size - 1))
    if kind < 0.4:
        return None
    bound = lambda: None if rng.random() < 0.3 else rng.randint(-size - 2, size + 2)
    return {'start': bound(), 'stop': bound(), 'step': rng.choice([None, None, 1, 2, 3, 7])}


def random_selection(shape):
    named = len(shape) + 1 if rng.random() < 0.03 else rng.randint(0, len(shape))
    indices = [random_index(size) for size in (shape + [3])[:named]]
    if rng.random() < 0.3:
        at = rng.randint(0, named)
        tail = (shape + [3])[len(shape) - (named - at) :] if named > at else []
        indices = indices[:at] + ['...'] + [random_index(size) for size in tail]
    return indices


def key_of(selection):
    parts = [
        slice(None) if index is None else Ellipsis if index == '...' else slice(index['start'], index['stop'], index['step']) if isinstance(index, dict) else index
        for index in selection
    ]
    return tuple(parts)


def refusal(error):
    return 'INVALID_ARGUMENT' if 'too many indices' in str(error) else 'OUT_OF_RANGE'


def get_case():
    shape, dtype = random_shape(), rng.choice(DTYPES)
    selection = random_selection(shape)
    case = {'shape': shape, 'chunk': [rng.randint(1, size + 1) for size in shape], 'dtype': dtype, 'selection': selection}
    try:
        result = base(dtype, shape)[key_of(selection)]
    except IndexError as error:
        return {**case, 'error': refusal(error)}
    return {**case, 'isScalar': not isinstance(result, numpy.ndarray), 'resultShape': list(result.shape), 'result': hexadecimal(numpy.asarray(result))}


def fits(value, dtype):
    """Whether one Python value is kept by a dtype, but for the precision of floats."""
    if dtype.startswith('float'):
        return not math.isfinite(value) or math.isfinite(float(numpy.asarray([value]).astype(dtype)[0]))
    if not math.isfinite(value) or value != math.floor(value):
        return False
    low, high = (0, 1) if dtype == 'bool' else (numpy.iinfo(dtype).min, numpy.iinfo(dtype).max)
    return low <= int(value) <= high


def is_defined(value, dtype):
    """Whether numpy's own cast of one Python value means the same on every machine."""
    if dtype.startswith('float') or dtype == 'bool' or not isinstance(value, float):
        return True
    return math.isfinite(value) and fits(float(math.trunc(value)), dtype)


def random_element(dtype):
    if dtype == 'bool':
        return rng.random() < 0.5
    if dtype.startswith('float'):
        kinds = [rng.randint(-3, 130), rng.randint(0, 100), rng.randint(0, 100) / 4, -0.0, math.nan, math.inf, 70000.0, 1e30, 2.0**53, 1e-9]
        return float(rng.choices(kinds, [6, 30, 2 if rng.random() < 0.5 else 0, 1, 0.7, 0.5, 0.5, 0.5, 0.7, 0.5])[0])
    info = numpy.iinfo(dtype)
    near = [rng.randint(0, 1), rng.randint(0, 100), info.min, info.max, rng.randint(int(info.min), int(info.max))]
    return int(rng.choices(near, [8, 30, 0.7, 0.7, 1.5])[0])


def random_value_shape(selected):
    shape = [1 if rng.random() < 0.3 else size for size in selected]
    shape = shape[rng.randint(0, len(shape)) :] if rng.random() < 0.4 else shape
    if rng.random() < 0.15:
        shape = [1] * rng.randint(1, 2) + shape
    if rng.random() < 0.1:
        shape = [size + rng.choice([0, 1]) for size in shape] + rng.choice([[], [2]])
    return shape


def random_value(dtype, selected):
    """A value as JSON, and as numpy's array."""
    kind = rng.choice(['ndarray', 'ndarray', 'ndarray', 'typed', 'list', 'number', 'bigint', 'boolean'])
    given = {'list': 'float64', 'number': 'float64', 'bigint': 'int64', 'boolean': 'bool'}.get(kind) or (dtype if rng.random() < 0.4 else rng.choice(DTYPES))
    if kind == 'typed' and given in ('bool', 'float16'):
        given = 'float32'
    if kind == 'typed' and (dtype, given) == ('float16', 'uint16'):
        given = 'uint8'
    shape = random_value_shape(selected)
    if kind in ('number', 'bigint', 'boolean'):
        shape = []
    elif kind == 'typed':
        shape = [math.prod(shape)]
    elif kind == 'list' and (0 in shape or shape == []):
        shape = [1]
    array = numpy.array([random_element(given) for _ in range(math.prod(shape))], given).reshape(shape)
    value = {'kind': kind, 'dtype': given, 'shape': shape, 'data': hexadecimal(array)}
    if kind == 'typed' and array.size == math.prod(selected):
        array = array.reshape(selected)
    return value, array


def set_case():
    shape, dtype = random_shape(), rng.choice(DTYPES)
    selection = random_selection(shape)
    array = base(dtype, shape)
    cast = rng.random() < 0.4
    case = {'shape': shape, 'chunk': [rng.randint(1, size + 1) for size in shape], 'dtype': dtype, 'selection': selection, 'cast': cast}
    # With an ellipsis numpy assigns arrays of one element to a single place too.
    key = key_of(selection) if '...' in selection else (*key_of(selection), Ellipsis)
    try:
        selected = list(array[key].shape)
    except IndexError as error:
        return {**case, 'value': {'kind': 'number', 'dtype': 'float64', 'shape': [], 'data': hexadecimal(numpy.zeros([]))}, 'error': refusal(error)}
    value, given = random_value(dtype, selected)
    case['value'] = value
    elements = given.ravel().tolist()
    if cast and not all(is_defined(element, dtype) for element in elements):
        return None
    converted = given.astype(dtype)
    try:
        array[key] = converted
    except ValueError:
        return {**case, 'error': 'INVALID_ARGUMENT'}
    if not cast and not all(fits(element, dtype) for element in elements):
        return {**case, 'error': 'LOSSY_CAST'}
    return {**case, 'result': hexadecimal(array)}


def many(make, count):
    cases = []
    while len(cases) < count:
        case = make()
        if case is not None:
            cases.append(case)
    return cases


golden = {'numpy': numpy.__version__, 'gets': many(get_case, GETS), 'sets': many(set_case, SETS)}
path = pathlib.Path(__file__).with_suffix('.json')
path.write_text(json.dumps(golden).replace('}, {"shape"', '},\n{"shape"') + '\n')
