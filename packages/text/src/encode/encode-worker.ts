// The program of a worker thread: encodes rows with the tokenizer that its recipe makes.
import { Tinypool } from 'tinypool';
import { isDataRefError } from '@dataref/core';
import type { TextRow } from '../source/text-source.js';
import { openRecipe } from '../tokenizer/open-recipe.js';
import type { Tokenizer, TokenizerRecipe } from '../tokenizer/tokenizer.js';
import { encodeRows, type EncodedRows, type EncodeSettings } from './encode-rows.js';

/** What a worker thread is given at a time. */
export interface EncodeTask {
  readonly rows: readonly TextRow[];
  readonly settings: EncodeSettings;
}

/** What comes of it. An error's class does not come from one thread to another, so that it is told as data. */
export type EncodeAnswer = EncodedRows | { readonly failure: EncodeFailure };

export interface EncodeFailure {
  readonly code: string | undefined;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

let opened: Promise<Tokenizer> | undefined;

// A thread that ends answers nobody: it goes on, and tells what happened.
process.exit = (code) => {
  throw new Error(`it called process.exit(${code ?? ''})`);
};
let uncaught: { readonly error: unknown } | undefined;
process.on('uncaughtException', (error) => (uncaught ??= { error }));

export default async function run({ rows, settings }: EncodeTask): Promise<unknown> {
  const answer = await answered(rows, settings);
  const buffers = 'failure' in answer ? [] : [answer.tokens.buffer, answer.lengths.buffer];
  return Tinypool.move({ [Tinypool.transferableSymbol]: buffers, [Tinypool.valueSymbol]: answer } as never);
}

async function answered(rows: readonly TextRow[], settings: EncodeSettings): Promise<EncodeAnswer> {
  try {
    opened ??= openRecipe(Tinypool.workerData as TokenizerRecipe);
    const encoded = encodeRows(await opened, rows, settings);
    await Promise.resolve(); // what was begun in passing has its turn
    if (uncaught === undefined) return encoded;
    const message = `a thread that encodes text met an error that nobody caught: ${messageOf(uncaught.error)}`;
    return { failure: { code: 'WORKER_DIED', message, details: {} } };
  } catch (error) {
    const message = messageOf(error);
    const [code, details] = isDataRefError(error) ? [error.code, error.details] : [undefined, {}];
    return { failure: { code, message, details } };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
