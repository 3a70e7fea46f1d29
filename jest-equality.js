import { expect } from '@jest/globals';

/**
 * Whether plain data (arrays, literals, typed arrays and what is in them) is the same to the last bit, which jest takes
 * many times as long to find out. Of what is not, or is something else, it says itself whether it is equal, and how not.
 */
function isSame(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const prototype = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (Array.isArray(a)) return Array.isArray(b) && isSameArray(a, b);
  if (ArrayBuffer.isView(a)) return bytesOf(a).equals(bytesOf(b));
  return (prototype === Object.prototype || prototype === null) && isSameLiteral(a, b);
}

/** Of arrays without holes and names. */
function isSameArray(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!isSame(a[i], b[i])) return false;
  return Reflect.ownKeys(a).length === a.length + 1 && Reflect.ownKeys(b).length === a.length + 1;
}

function isSameLiteral(a, b) {
  const keys = Reflect.ownKeys(a);
  if (keys.length !== Reflect.ownKeys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

function bytesOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength);
}

expect.addEqualityTesters([(a, b) => (isSame(a, b) ? true : undefined)]);
