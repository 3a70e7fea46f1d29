// A context of its own for each test file, with two differences from jest's.
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
  }
};
