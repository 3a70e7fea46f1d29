import { DataRefError } from '@dataref/core';
export default async () => {
  throw new DataRefError('NOT_FOUND', 'no dataset mnist', { details: { id: 'mnist' } });
};
