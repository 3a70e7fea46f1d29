import { expect, test } from '@jest/globals';
import { fromColumns, type DataRef } from '@dataref/core';
import { send, type Ref } from '@dataref/catalog';
import { MODULE as module } from './sent.js';

type Functions = {
  readonly twice: (record: { readonly n: number }, factor?: number) => { readonly n: number; readonly text: string };
  readonly batch: (batch: { readonly columns: { readonly n: { readonly data: Float64Array } } }) => {
    readonly m: Float64Array;
  };
  readonly number: 1;
};

test('a send has the types of the function that its module exports', () => {
  const parts = send<typeof import('./sent.js'), 'partsOf'>({ module, export: 'partsOf' });
  const twice = send<Functions, 'twice'>({ module, export: 'twice' });
  const mapped = send<Functions, 'batch', 'batch'>({ module, export: 'batch', input: 'batch' });
  const untyped = send({ module });
  // Looked at by the compiler alone.
  const typed = async (): Promise<unknown> => {
    const list: string[] = await parts('folder', 'version');
    const lists: string[][] = await parts.starmap([['folder', 'version']]);
    const ref: Ref<string[]> = parts.remote('folder', 'version');
    const got: string[] = await parts.get(ref);
    // @ts-expect-error -- its version is missing
    void parts('folder');
    // @ts-expect-error -- no list of strings
    void parts.starmap([['folder', 1]]);
    // @ts-expect-error -- it gives texts
    const wrong: number[] = await parts('folder', 'version');

    const numbers = fromColumns({ n: Float64Array.of(1) });
    const made = await twice(numbers, 2);
    const text: string = (await made.at(0)).text;
    // @ts-expect-error -- it gives no such column
    void (await made.at(0)).other;
    // @ts-expect-error -- it needs n
    void twice(fromColumns({ m: Float64Array.of(1) }), 2);
    // @ts-expect-error -- its factor is a number
    void twice(numbers, 'two');
    const columns: DataRef = await mapped(numbers);
    const some: unknown = await untyped(numbers, 'anything', 1);
    // @ts-expect-error -- the module exports no such function
    void send<Functions, 'twice'>({ module, export: 'once' });
    return [list, lists, got, wrong, text, columns, some];
  };
  expect([typeof typed, typeof parts.map]).toEqual(['function', 'function']);
});
