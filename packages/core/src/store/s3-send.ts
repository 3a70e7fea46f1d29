import type {
  $Command,
  S3Client,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { DataRefError } from '../errors.js';

/** The SDK collects every body but that of an object, whatever its length: that of an answer, and that of a failure. */
const ANSWER_LIMIT_BYTES = 16 * 2 ** 20;
const FAILURE_LIMIT_BYTES = 64 * 1024;

/** What a listing begins with, in so many bytes: the SDK takes anything else for an empty one. */
const LISTING = /<(?:\w+:)?ListBucketResult[\s/>]/u;
const BEGINNING_BYTES = 1024;

export type Send = <I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  command: $Command<I, O, S3ClientResolvedConfig>,
) => Promise<O>;

/** What of an answer is looked at here. */
interface RawAnswer {
  readonly statusCode: number;
  body: unknown;
}

/**
 * Sends by a client, whosever it is, and takes no more of an answer than any right one has.
 * @throws DataRefError CORRUPT for one that has more, and for a listing that is none; the SDK's errors
 */
export function sendBy(client: S3Client, where: string, abortSignal: AbortSignal): Send {
  return async (command) => {
    let refused: DataRefError | undefined;
    const refuse = (error: DataRefError): never => {
      refused = error; // the SDK makes its own of it
      throw error;
    };
    async function* limited(body: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<Uint8Array> {
      let byteLength = 0;
      for await (const chunk of body) {
        byteLength += chunk.length;
        if (byteLength > limitBytes) refuse(endless(where, limitBytes));
        yield chunk;
      }
    }
    async function* listing(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      let beginning = '';
      for await (const chunk of body) {
        if (beginning.length < BEGINNING_BYTES) {
          beginning += String.fromCodePoint(...chunk.subarray(0, BEGINNING_BYTES));
          if (beginning.length >= BEGINNING_BYTES && !LISTING.test(beginning)) refuse(noListing(where));
        }
        yield chunk;
      }
      if (!LISTING.test(beginning)) refuse(noListing(where));
    }
    command.middlewareStack.add(
      (next, { commandName }) =>
        async (given) => {
          const result = await next(given);
          const answer = result.response as RawAnswer;
          const isFailure = answer.statusCode >= 300;
          const isCollected = isFailure || commandName !== 'GetObjectCommand';
          if (isCollected && isStream(answer.body)) {
            const body = limited(answer.body, isFailure ? FAILURE_LIMIT_BYTES : ANSWER_LIMIT_BYTES);
            const isListing = !isFailure && commandName === 'ListObjectsV2Command';
            answer.body = Readable.from(isListing ? listing(body) : body);
          }
          return result;
        },
      { step: 'deserialize', priority: 'low', name: 'datarefBodyLimit', override: true },
    );
    try {
      return await client.send(command, { abortSignal });
    } catch (error) {
      throw refused ?? error;
    }
  };
}

/** What Node and fetch give; other handlers of requests have the whole body already. */
function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function noListing(where: string): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${where}: the server's answer to a listing is none, although it says that all is well; is there S3 at this endpoint?`,
    { details: { where } },
  );
}

function endless(where: string, limitBytes: number): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${where}: the server's answer has more than ${limitBytes} bytes, which no answer of S3 has; is there S3 at this endpoint?`,
    { details: { where, limitBytes } },
  );
}
