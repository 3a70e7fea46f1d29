/** 16 hexadecimal digits, never the same twice. Only writers need node:crypto, which takes long to load. */
export function nonce(): string {
  return process.getBuiltinModule('node:crypto').randomBytes(8).toString('hex');
}
