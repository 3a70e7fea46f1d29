/** In pieces: what bundles takes the whole, also in a text, for a place to be filled in. */
const HERE = ['import', 'meta', 'url'].join('.');

/** How a program names a module beside it, for messages. */
export function moduleUrl(path: string): string {
  return `new URL('${path}', ${HERE})`;
}
