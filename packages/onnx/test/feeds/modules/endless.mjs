import { digits } from './digits.mjs';

export const batches = () => digits.stream({ shuffle: true, shuffleSeed: 2 }).repeat().batch(4);
export default batches;
