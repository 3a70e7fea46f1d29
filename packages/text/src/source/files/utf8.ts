import { DataRefError } from '@dataref/core';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of UTF-8 bytes. @throws DataRefError CORRUPT for other bytes, naming the file and where in `what` */
export function utf8(bytes: Uint8Array, where: string): string {
  try {
    return strict.decode(bytes);
  } catch (cause) {
    throw notUtf8(where, cause);
  }
}

/** What throws CORRUPT for bytes that are not UTF-8, given one after the other, at last undefined. */
export function utf8Stream(where: string): (bytes: Uint8Array | undefined) => void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return (bytes) => {
    try {
      decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw notUtf8(where, cause);
    }
  };
}

function notUtf8(where: string, cause: unknown): DataRefError {
  return new DataRefError('CORRUPT', `${where}: is not UTF-8; convert it (iconv -t utf-8), or give its format`, {
    cause,
  });
}

/** Without the mark that some programs write at the beginning of a file. */
export function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}
