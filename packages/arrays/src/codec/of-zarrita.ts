import { DataRefError, type NumericDType } from '@dataref/core';
import { isNumericDType } from '@dataref/core/adapter';
import type { ArrayCodec, ChunkForm, CodecMaker } from './codec.js';
import { cStrides } from '../selection/grid.js';
import { arrayOf, bytesOf } from './values.js';

/** What of a codec of zarrita's is used here: its chunks, in C order. */
interface ZarritaCodec {
  decode(input: unknown): unknown;
}
type ZarritaClass = { fromConfig(configuration: unknown, meta: unknown): ZarritaCodec };

/** A filter over values that zarrita reads. @param name in its registry, which all of a process share and is not changed */
export function arrayOfZarrita(name: string): CodecMaker {
  return (configuration, form): ArrayCodec => {
    const encoded = { dtype: encodedDType(name, configuration, form), shape: form.shape };
    return {
      kind: 'array',
      encoded,
      encode: () => refuseToWrite(name),
      async decode(bytes) {
        const codec = await load(name, configuration, form);
        const strides = cStrides(form.shape);
        const chunk = { data: arrayOf(encoded.dtype, bytes.slice()), shape: form.shape, stride: strides };
        return bytesOf((codec.decode(chunk) as { data: ArrayBufferView }).data);
      },
    };
  };
}

async function load(name: string, configuration: unknown, { dtype, shape }: ChunkForm): Promise<ZarritaCodec> {
  const { registry } = await import('zarrita');
  const Class = (await registry.get(name)?.()) as unknown as ZarritaClass;
  return Class.fromConfig(configuration, { dataType: dtype, shape, codecs: [], fillValue: null });
}

/** A filter may store its values as another dtype: `data_type` in v3, numpy's `astype` in v2. */
function encodedDType(
  name: string,
  configuration: Readonly<Record<string, unknown>>,
  { dtype }: ChunkForm,
): NumericDType {
  if (dtype === 'bool' || dtype === 'float16') throw unsupported(`codec ${name} is not read of ${dtype} here`);
  const { data_type: stored = dtype, astype, dtype: values } = configuration;
  if (astype !== undefined && astype !== null && astype !== values)
    throw unsupported(`codec ${name} is not read here where its astype ${JSON.stringify(astype)} is not its dtype`);
  if (isNumericDType(stored)) return stored;
  throw unsupported(`codec ${name} is not read here with data_type ${JSON.stringify(stored)}`);
}

function refuseToWrite(name: string): never {
  throw unsupported(
    `codec ${name} is read here, and not written: make a new array with another, or write it in Python`,
  );
}

const unsupported = (message: string) => new DataRefError('UNSUPPORTED', message);
