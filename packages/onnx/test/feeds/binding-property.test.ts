import { expect, test } from '@jest/globals';
import { field, fromRecords, isDataRefError, type BatchStream, type NumericDType, type Schema } from '@dataref/core';
import { toOrtFeeds, type OrtBatch } from '@dataref/onnx/pure';
import * as fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { announceSeed, runs } from '../../../core/test/scale.js';
import { echoModel, input, SESSION_OPTIONS, TENSOR_TYPES, type TensorType, type Value } from './tiny-model.js';

const RECORDS = 7;
const NAMES = ['a', 'b', 'c'] as const;

/** Elements that every dtype holds: what is fed can be compared as text. */
const element = (dtype: string, n: number): unknown =>
  dtype === 'string' ? `${n % 2}` : dtype === 'bool' ? n % 2 === 1 : dtype.endsWith('int64') ? BigInt(n % 2) : n % 2;
const HALVES: Readonly<Record<number, number>> = { 0: 0, 0x3c00: 1 };
const shown = (type: string, value: unknown): string =>
  String(type === 'float16' && !('Float16Array' in globalThis) ? HALVES[value as number] : Number(value));

interface Case {
  readonly schema: Readonly<Record<string, Schema>>;
  readonly model: readonly Value[];
  readonly specs: Readonly<Record<string, { column: string; dtype?: NumericDType }>> | undefined;
  readonly size: number;
  readonly remainder: 'keep' | 'drop' | 'pad';
  /** An input besides those of columns; of a type or shape that is none for a mask, too. */
  readonly mask: Value | undefined;
}

const dtype = fc.constantFrom(...TENSOR_TYPES);
const column = fc
  .record({ type: dtype, shape: fc.array(fc.constantFrom(1, 2, 3), { maxLength: 2 }) })
  .map(({ type, shape }) => (type === 'string' ? field('string') : field(type, shape)));
const schemas = fc.record({ a: column, b: column, c: column });
const dimension = fc.constantFrom<number | string>('N', 'M', 'M', '', 1, 2, 3, 4);

const masks = fc
  .record({
    type: fc.constantFrom<TensorType>('float32', 'float32', 'bool', 'bool', 'int32'),
    shape: fc.oneof(
      { weight: 4, arbitrary: fc.constant(['N']) },
      { weight: 1, arbitrary: fc.array(dimension, { maxLength: 2 }) },
    ),
  })
  .map(({ type, shape }) => input('mask', type, shape));

/** Inputs that mostly fit: those of a column, a little changed. */
const cases: fc.Arbitrary<Case> = schemas.chain((schema) => {
  const fields = schema as Record<string, { dtype: TensorType; shape: readonly number[] }>;
  const near = (name: string): fc.Arbitrary<Value> => {
    const { dtype: own, shape } = fields[name]!;
    const type = fc.oneof({ weight: 3, arbitrary: fc.constant(own) }, { weight: 1, arbitrary: dtype });
    const dims = fc.tuple(
      fc.oneof({ weight: 4, arbitrary: fc.constant<number | string>('N') }, { weight: 1, arbitrary: dimension }),
      ...shape.map((size) =>
        fc.oneof({ weight: 4, arbitrary: fc.constant<number | string>(size) }, { weight: 1, arbitrary: dimension }),
      ),
    );
    const loose = fc.array(dimension, { maxLength: 3 });
    return fc
      .record({ type, shape: fc.oneof({ weight: 8, arbitrary: dims }, { weight: 1, arbitrary: loose }) })
      .map((made) => input(name, made.type, made.shape));
  };
  const model = fc.subarray([...NAMES], { minLength: 1 }).chain((names) => fc.tuple(...names.map(near)));
  return model.chain((inputs) => {
    const spec = fc.record(
      {
        column: fc.oneof(
          { weight: 5, arbitrary: fc.constantFrom<string>(...NAMES) },
          { weight: 1, arbitrary: fc.constant('d') },
        ),
        dtype: fc.constantFrom<NumericDType>('float32', 'int64', 'uint8', 'int32'),
      },
      { requiredKeys: ['column'] },
    );
    const specs = fc.record(Object.fromEntries(inputs.map(({ name }) => [name, spec])));
    return fc.record({
      schema: fc.constant(schema as Case['schema']),
      model: fc.constant(inputs),
      specs: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: specs }),
      size: fc.constantFrom(1, 2, 3, 4),
      remainder: fc.constantFrom('keep' as const, 'drop' as const, 'pad' as const),
      mask: fc.option(masks, { nil: undefined }),
    });
  });
});

/** What the documented rules say of one input, as text of its elements; undefined where it cannot be fed. */
function wantedOf(made: Case, { name }: Value, rows: readonly number[], length: number): string[] {
  const from = made.specs?.[name]?.column ?? name;
  const { dtype: own, shape } = made.schema[from] as { dtype: string; shape: readonly number[] };
  const size = shape.reduce((product, n) => product * n, 1);
  const real = rows.flatMap((row) => Array.from({ length: size }, (_, k) => element(own, row * size + k)));
  const padding = Array.from({ length: (length - rows.length) * size }, () => (own === 'string' ? '' : 0));
  return [...real, ...padding].map((value) => String(Number(value)));
}

/** Whether each input is just what its column gives. */
function isExact({ schema, model, specs, mask }: Case): boolean {
  return (
    specs === undefined &&
    (mask === undefined || (mask.type !== 'int32' && String(mask.shape) === 'N')) &&
    model.every(({ name, type, shape: [rows, ...rest] }) => {
      const leaf = schema[name] as { dtype: string; shape: readonly number[] };
      return (
        rows === 'N' && type === leaf.dtype && String(rest) === String(leaf.shape) && rest.length === leaf.shape.length
      );
    })
  );
}

/** That fixed sizes are kept, and one name is one size: onnxruntime does not see to the latter. */
function expectSizes(inputs: readonly Value[], { feeds }: OrtBatch): void {
  const sizes = new Map<string, number>();
  for (const { name, shape } of inputs) {
    const { dims } = feeds[name]!;
    expect(dims).toHaveLength(shape.length);
    for (const [axis, wanted] of shape.entries()) {
      if (wanted === '') continue;
      const size = typeof wanted === 'number' ? wanted : (sizes.get(wanted) ?? dims[axis]!);
      if (typeof wanted === 'string') sizes.set(wanted, size);
      expect([name, dims[axis]]).toEqual([name, size]);
    }
  }
}

test('random models and schemas: right feeds, which run, or an error that names the input', async () => {
  const seed = announceSeed('onnx/binding');
  let fed = 0;
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(cases, async (made) => {
      const { schema, model, specs, size, remainder, mask } = made;
      const inputs = mask === undefined ? model : [...model, mask];
      const records = Array.from({ length: RECORDS }, (_x, row) =>
        Object.fromEntries(
          Object.entries(schema as Record<string, { dtype: string; shape: readonly number[] }>).map(([name, leaf]) => {
            const count = leaf.shape.reduce((product, n) => product * n, 1);
            return [
              name,
              nested(
                leaf,
                Array.from({ length: count }, (_, k) => element(leaf.dtype, row * count + k)),
              ),
            ];
          }),
        ),
      );
      const data = await fromRecords(records as never[], { schema });
      const session = await ort.InferenceSession.create(echoModel(inputs), SESSION_OPTIONS);
      try {
        const batches: OrtBatch[] = [];
        try {
          const options = { session, ort, ...(specs && { inputs: specs }), ...(mask && { maskInput: 'mask' }) };
          for await (const batch of toOrtFeeds(data.stream().batch(size, { remainder }) as BatchStream, options))
            batches.push(batch);
        } catch (error) {
          refusals++;
          expect(isExact(made)).toBe(false);
          expect(isDataRefError(error, 'INVALID_ARGUMENT')).toBe(true);
          const { input: named } = (error as { details: { input?: string } }).details;
          const isNoneBound = named === undefined && specs === undefined;
          if (!isNoneBound) expect(inputs.map(({ name }) => name)).toContain(named);
          expect((error as Error).message).toContain(isNoneBound ? 'no input of the model has a column' : named);
          return;
        }
        fed++;
        let row = 0;
        for (const batch of batches) {
          const { feeds, length, validLength } = batch;
          const rows = Array.from({ length: validLength }, () => row++);
          if (mask !== undefined) {
            const ones = Array.from({ length }, (_, i) => (i < validLength ? 1 : 0));
            expect([feeds['mask']!.type, Array.from(feeds['mask']!.data as Float32Array)]).toEqual([mask.type, ones]);
          }
          expectSizes(inputs.filter(({ name }) => name in feeds), batch); // prettier-ignore
          const left = model.filter(({ name }) => !(name in feeds));
          // Only what nobody demands is left out: never one that a row for each record could feed.
          for (const { shape } of left) expect([undefined, 1, 2, 3, 4]).toContain(shape[0]);
          if (left.length > 0) continue;
          const outputs = await session.run(feeds);
          for (const value of model) {
            const output = outputs[`seen.${value.name}`]!;
            const got = Array.from(output.data as ArrayLike<unknown>, (one) => shown(value.type, one));
            expect([output.type, output.dims[0], got]).toEqual([
              value.type,
              length,
              wantedOf(made, value, rows, length),
            ]);
          }
        }
        expect(row).toBe(remainder === 'drop' ? RECORDS - (RECORDS % size) : RECORDS);
      } finally {
        await session.release();
      }
    }),
    { seed, numRuns: runs(3000) },
  );
  expect(fed).toBeGreaterThan(runs(3000) / 30);
  expect(refusals).toBeGreaterThan(runs(3000) / 30);
}, 600_000);

/** Elements as lists of the leaf's shape. */
function nested({ shape }: { readonly shape: readonly number[] }, elements: readonly unknown[]): unknown {
  if (shape.length === 0) return elements[0];
  const [rows = 1, ...rest] = shape;
  const each = elements.length / rows;
  return Array.from({ length: rows }, (_, i) => nested({ shape: rest }, elements.slice(i * each, (i + 1) * each)));
}
