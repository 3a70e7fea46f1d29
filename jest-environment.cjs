// A context of its own for each test file, with three differences from jest's.
const asyncHooks = require('node:async_hooks');
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

// Node's own typed arrays inside the context: native addons, workers and structuredClone make arrays of the outer realm,
// and a test that compares constructors must see the same ones.
const NAMES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
];

const { createContext } = vm;
const { AsyncLocalStorage } = asyncHooks;

/**
 * Where jest-circus keeps which test runs, to tell whose an error is that nobody caught. Tests run one after another, so that
 * it need not be asked for at every promise that they make, as Node 20 does of each `AsyncLocalStorage` for as long as the
 * process lives: of those of all test files before as well.
 */
class RunningTest {
  #store;

  getStore() {
    return this.#store;
  }

  async run(store, body) {
    const before = this.#store;
    this.#store = store;
    try {
      return await body();
    } finally {
      this.#store = before;
    }
  }
}

module.exports = class extends TestEnvironment {
  constructor(...args) {
    // An ordinary object as the global one. For jest's, every use of a global, a `Math` in a loop, asks a proxy.
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(...args);
    } finally {
      vm.createContext = createContext;
    }
    for (const name of NAMES) this.global[name] = globalThis[name];
    asyncHooks.AsyncLocalStorage = RunningTest;
  }

  /** The first event comes when jest-circus has been loaded, and nothing else. */
  handleTestEvent() {
    asyncHooks.AsyncLocalStorage = AsyncLocalStorage;
  }
};
