/** How a program names a module beside it, for messages. */
export function moduleUrl(path: string): string {
  return `new URL('${path}', import.meta.url)`;
}
