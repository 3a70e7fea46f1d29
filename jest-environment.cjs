// Node's own typed arrays inside jest's vm context: native addons, workers and structuredClone make arrays of the outer
// realm, and a test that compares constructors must see the same ones.
const { TestEnvironment } = require('jest-environment-node');

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

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of NAMES) this.global[name] = globalThis[name];
  }
};
