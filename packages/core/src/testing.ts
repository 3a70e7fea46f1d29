export type { Check } from './testing/check.js';
export { storeSuite, type TriedStore } from './testing/store-suite.js';
