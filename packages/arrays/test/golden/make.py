# Arrays of zarr-python and tensorstore that our readers are tried on: python make.py (zarr 3.1, tensorstore).
import os, shutil, numpy as np, tensorstore as ts, zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ZstdCodec, TransposeCodec
import numcodecs

here = os.path.dirname(os.path.abspath(__file__))
values = (np.arange(7 * 6 * 5).reshape(7, 6, 5) * 37) % 251
path = lambda name: os.path.join(here, name)


def clean(name):
    shutil.rmtree(path(name), ignore_errors=True)
    return path(name)


def v3(name, dtype, **options):
    array = zarr.create_array(clean(name), shape=values.shape, dtype=dtype, zarr_format=3, **options)
    array[:5] = values[:5].astype(dtype)  # the last chunk of each axis is not written wholly


v3('v3-sharded', 'int32', chunks=(2, 3, 5), shards=(4, 6, 5), compressors=ZstdCodec(level=3))
v3('v3-sharded-fill', 'float32', chunks=(2, 3, 5), shards=(4, 6, 5), fill_value=float('nan'))
v3('v3-transposed', 'float64', chunks=(3, 4, 5), filters=[TransposeCodec(order=(2, 0, 1))], compressors=GzipCodec(level=5))
v3('v3-big-endian', 'uint16', chunks=(3, 4, 5), serializer=BytesCodec(endian='big'), fill_value=7, compressors=[BloscCodec(cname='zstd'), Crc32cCodec()])
v3('v3-bool', 'bool', chunks=(3, 4, 5), fill_value=True, chunk_key_encoding={'name': 'v2', 'separator': '.'})
v3('v3-half', 'float16', chunks=(3, 4, 5), fill_value=1.5)

for name, options in {
    'v2-blosc': dict(compressors=numcodecs.Blosc(cname='lz4', shuffle=1)),
    'v2-fortran-zlib': dict(compressors=numcodecs.Zlib(level=4), order='F'),
    'v2-plain': dict(compressors=None),
}.items():
    dtype = '>i4' if name == 'v2-plain' else '<i4'
    array = zarr.create_array(clean(name), shape=values.shape, chunks=(3, 4, 5), dtype=dtype, zarr_format=2, **options)
    array[:5] = values[:5]

store = ts.open(
    {
        'driver': 'zarr3',
        'kvstore': {'driver': 'file', 'path': clean('tensorstore-sharded')},
        'metadata': {
            'shape': list(values.shape),
            'data_type': 'int32',
            'chunk_grid': {'name': 'regular', 'configuration': {'chunk_shape': [4, 6, 5]}},
            'codecs': [
                {
                    'name': 'sharding_indexed',
                    'configuration': {
                        'chunk_shape': [2, 3, 5],
                        'codecs': [{'name': 'bytes', 'configuration': {'endian': 'little'}}, {'name': 'gzip', 'configuration': {'level': 5}}],
                        'index_codecs': [{'name': 'bytes', 'configuration': {'endian': 'little'}}, {'name': 'crc32c'}],
                    },
                }
            ],
        },
    },
    create=True,
).result()
store[:5].write(values[:5].astype('int32')).result()
