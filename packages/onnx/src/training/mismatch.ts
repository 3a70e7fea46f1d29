import { DataRefError } from '@dataref/core';

/** @param saved hash of the model in the file at `where`, which is to be `own` @throws DataRefError STATE_MISMATCH */
export function checkModel(saved: string, own: string, where: string): void {
  if (saved === own) return;
  throw mismatch(where, `was made by another model: its SHA-256 is ${saved}, that of \`model\` here ${own}`, {
    field: 'model',
    checkpoint: saved,
    model: own,
  });
}

export function mismatch(where: string, problem: string, details: Readonly<Record<string, unknown>>): DataRefError {
  return new DataRefError(
    'STATE_MISMATCH',
    `${where} ${problem}. Resume with the model that made it, or give this one a checkpoint of its own, at another path`,
    { details: { path: where, ...details } },
  );
}
