/** The version of an object is a hash of its content: neither inode nor time changes with every write. */
export function contentVersion(bytes: Uint8Array): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(bytes).digest('base64url');
}
