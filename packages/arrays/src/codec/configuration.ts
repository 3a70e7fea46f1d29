import { DataRefError } from '@dataref/core';

/** An integer of a codec's configuration, `usual` where it has none. @throws DataRefError CORRUPT */
export function integerOf(
  codec: string,
  configuration: Readonly<Record<string, unknown>>,
  name: string,
  usual: number,
  least: number,
  most: number,
): number {
  const value = configuration[name] ?? usual;
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw new DataRefError(
    'CORRUPT',
    `codec ${codec}: ${name} must be an integer from ${least} to ${most}, got ${JSON.stringify(value)}`,
  );
}
