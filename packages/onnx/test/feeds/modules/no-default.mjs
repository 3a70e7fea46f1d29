export const batches = 1;
