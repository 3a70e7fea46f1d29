// Claims that every transform, and every store, must meet: plain async functions for any test runner.
export type { Check } from './testing/check.js';
export { resumeSuite, type ResumeSuiteOptions } from './testing/resume-suite.js';
export { storeSuite, type TriedStore } from './testing/store-suite.js';
