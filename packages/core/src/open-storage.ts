import { describeValue, optionsOf } from './arguments.js';
import { DataRefError, invalidArgument } from './errors.js';
import type { GCSStorageOptions } from './gcs.js';
import type { S3StorageOptions } from './s3.js';
import type { RemoteOptions } from './storage/remote-storage.js';
import type { Storage } from './storage/types.js';

const SCHEMES = "'s3://bucket/prefix', 'gs://bucket/prefix', 'https://host/path', 'http://…', 'file:./data'";

/** Options of the storage that the URL names; those that it does not have are refused. */
export interface OpenStorageOptions extends RemoteOptions {
  /** Of FileStorage. */
  readonly verifyReads?: boolean | undefined;
  /** Of S3Storage: an S3Client. */
  readonly client?: object | undefined;
  /** Of S3Storage. */
  readonly clientConfig?: object | undefined;
  /** Of GCSStorage: a Storage client. */
  readonly storage?: object | undefined;
  /** Of GCSStorage. */
  readonly storageOptions?: object | undefined;
  /** Of HttpStorage. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Of HttpStorage. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly idleTimeoutMs?: number | undefined;
}

/**
 * The storage under a URL: `s3://bucket/prefix`, `gs://bucket/prefix`, `https://host/path`, `file:///absolute/path` or
 * `file:./relative/path`. Loads what that storage needs, and nothing else.
 * @throws DataRefError INVALID_ARGUMENT for another URL or a bad option; UNSUPPORTED where the runtime has no such storage
 */
export async function openStorage(url: string | URL, options: OpenStorageOptions = {}): Promise<Storage> {
  const given = optionsOf('openStorage', options);
  const text = String(url);
  const scheme = /^([a-z][a-z0-9+.-]*):/iu.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'file': {
      const { FileStorage } = await import('@dataref/core/fs');
      return new FileStorage(folderOf(text), given);
    }
    case 's3': {
      const { S3Storage } = await import('@dataref/core/s3');
      return new S3Storage({ ...placeOf(text, given), ...given } as S3StorageOptions);
    }
    case 'gs': {
      const { GCSStorage } = await import('@dataref/core/gcs');
      return new GCSStorage({ ...placeOf(text, given), ...given } as GCSStorageOptions);
    }
    case 'https':
    case 'http': {
      const { HttpStorage } = await import('@dataref/core/http');
      return new HttpStorage(text, given);
    }
    case undefined:
      throw invalidArgument(`openStorage needs a URL: ${SCHEMES}; got ${gotOf(url, text)}`);
    default:
      // The URL itself is not shown: there may be a password in it.
      throw new DataRefError('INVALID_ARGUMENT', `openStorage: no storage for ${scheme}: URLs; there are ${SCHEMES}`, {
        details: { scheme },
      });
  }
}

/** What was given, and where it is a path, its URL. */
function gotOf(url: unknown, text: string): string {
  if (typeof url !== 'string' || text.trim() === '') return describeValue(url);
  if (/[@?#]/u.test(text)) return 'another text'; // there may be a password in it
  const path = text.startsWith('/') || text.startsWith('.') ? text : `./${text}`;
  return `${describeValue(text)}; a folder is ${describeValue(`file:${path}`)}`;
}

/** A URL or, where it is relative, a path. */
function folderOf(text: string): string | URL {
  const path = text.slice('file:'.length);
  if (!path.startsWith('/') && /^(?:[^%]|%[\dA-F]{2})*$/iu.test(path)) return decodeURIComponent(path);
  if (!URL.canParse(text)) throw invalidArgument("openStorage: that is no file: URL; one is 'file:./data'");
  const url = new URL(text);
  if (url.host !== '' || url.search !== '' || url.hash !== '')
    throw invalidArgument("openStorage: a file: URL has a path alone, as 'file:///data' or 'file:./data'");
  return url;
}

/** What the URL names, which options must not name otherwise. */
function placeOf(text: string, options: object): { bucket: string; prefix: string } {
  const place = bucketOf(text);
  for (const [name, named] of Object.entries(place)) {
    const given = (options as Record<string, unknown>)[name];
    if (given === undefined || given === named) continue;
    throw invalidArgument(
      `openStorage: the URL names the ${name} ${JSON.stringify(named)}, the options ${JSON.stringify(given)}: leave ${name} out of the options`,
    );
  }
  return place;
}

function bucketOf(text: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ''] = /^\w+:\/\/([^/?#@]+)(?:\/([^?#]*))?$/u.exec(text) ?? [];
  if (bucket !== undefined) return { bucket, prefix };
  const scheme = text.slice(0, 2);
  throw invalidArgument(
    `openStorage: a bucket's URL has the bucket and a prefix alone, as '${scheme}://bucket/prefix'`,
  );
}
