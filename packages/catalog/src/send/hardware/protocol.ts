import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/**
 * What is said to a worker that is another process, a line of JSON each: first its environment, then tasks, each once the
 * one before is answered. Bytes are in base64.
 */
export type ToWorker =
  | { readonly kind: 'env'; readonly env: Readonly<Record<string, string>> }
  | { readonly kind: 'task'; readonly bytes: string };

/** What it says: first that it is ready. */
export type FromWorker = { readonly kind: 'ready' } | { readonly kind: 'answer'; readonly bytes: string };

/** Bytes of a line. */
export function encodeLine(message: object): string {
  return `${JSON.stringify(message)}\n`;
}

/** Says something; where nobody hears it, reading tells. */
export function say(output: Writable, message: object): void {
  output.write(encodeLine(message), () => undefined);
}

/** Every line, as it comes. What is no JSON is none of ours: a login script may print a greeting. */
export function listen(input: Readable, onMessage: (message: Readonly<Record<string, unknown>>) => void): void {
  input.on('error', () => undefined); // its end tells
  createInterface({ input, crlfDelay: Infinity }).on('line', (line) => {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return;
    }
    if (typeof message === 'object' && message !== null) onMessage(message as Readonly<Record<string, unknown>>);
  });
}
