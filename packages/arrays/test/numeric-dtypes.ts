import { DTYPES, isNumericDType } from '@dataref/core/adapter';

export const NUMERIC_DTYPES = DTYPES.filter(isNumericDType);
