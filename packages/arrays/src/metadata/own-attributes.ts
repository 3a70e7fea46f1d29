import { describeValue } from '@dataref/core/adapter';
import { sizesOf, type Refuse } from './geometry.js';

/** What is ours in an array's attributes, under `dataref`. */
export interface OwnAttributes {
  /** Never the same twice, so that of two who write the same shape one knows that it was the other. */
  readonly revision?: string;
  /** Of the array under its name: kept while it is resized, another one when it is replaced. */
  readonly generation?: string;
  /** How many axes number the records, where each record has a shape of its own. */
  readonly recordAxes?: number;
  /** Not all of its values are there yet: its import is under way, or was killed. */
  readonly isUnfinished?: boolean;
  /** A shape beyond the array's in which values may lie that were cut off. */
  readonly uncleared?: readonly number[];
}

export function ownAttributes(value: unknown, rank: number, corrupt: Refuse): OwnAttributes {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null)
    return corrupt('attributes.dataref', `must be an object, got ${describeValue(value)}`);
  const { revision, generation, recordAxes, isUnfinished, uncleared } = value as Readonly<Record<string, unknown>>;
  const textOf = (field: string, text: unknown): string | undefined =>
    text === undefined || typeof text === 'string'
      ? text
      : corrupt(`attributes.dataref.${field}`, `must be a string, got ${describeValue(text)}`);
  if (
    recordAxes !== undefined &&
    !(Number.isInteger(recordAxes) && (recordAxes as number) > 0 && (recordAxes as number) < rank)
  )
    corrupt('attributes.dataref.recordAxes', `must be from 1 to ${rank - 1}, got ${describeValue(recordAxes)}`);
  const beyond = uncleared === undefined ? undefined : sizesOf('attributes.dataref.uncleared', uncleared, 0, corrupt);
  if (beyond !== undefined && beyond.length !== rank)
    corrupt('attributes.dataref.uncleared', `needs ${rank} sizes, got ${beyond.length}`);
  return {
    ...defined('revision', textOf('revision', revision)),
    ...defined('generation', textOf('generation', generation)),
    ...(recordAxes !== undefined && { recordAxes: recordAxes as number }),
    ...(isUnfinished === true && { isUnfinished }),
    ...(beyond !== undefined && { uncleared: beyond }),
  };
}

function defined<K extends string>(key: K, text: string | undefined): { readonly [key in K]?: string } {
  return text === undefined ? {} : ({ [key]: text } as { readonly [key in K]: string });
}
