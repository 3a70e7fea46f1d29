import type { IoOptions, SweepOptions } from './object-store.js';
import type { S3Bucket } from './s3-bucket.js';
import { hasStatus } from './s3-errors.js';
import { listPages } from './listing.js';

/** Uploads that were begun so long ago are of writers that were killed. */
const ABANDONED_MS = 24 * 3600 * 1000;
/** Files of a dataset's generation: uploads of others may lie below the same prefix. */
const PART_FILE = /^[^/]+\/[^/]+\/data\/[0-9a-f]{16}\/\d{8}\.(?:arrow|head)$/u;
/** Of a key and an upload's id. */
const MAX_UPLOAD_NAME = 4096;

interface Upload {
  readonly Key?: string | undefined;
  readonly UploadId?: string | undefined;
  readonly Initiated?: Date | undefined;
}

/** Ends multipart uploads of parts of datasets that killed writers left. @returns bytes freed */
export async function sweepUploads(bucket: S3Bucket, prefix: string, options: SweepOptions): Promise<number> {
  let freed = 0;
  for await (const { uploads } of uploadPages(bucket, prefix, options)) {
    for (const upload of uploads) {
      if (await isAbandoned(upload, prefix, options)) freed += await endUpload(bucket, upload, options);
    }
  }
  return freed;
}

async function isAbandoned(
  { Key = '', UploadId, Initiated }: Upload,
  prefix: string,
  options: SweepOptions,
): Promise<boolean> {
  const key = Key.slice(prefix.length);
  if (!Key.startsWith(prefix) || !PART_FILE.test(key) || UploadId === undefined) return false;
  if (options.isAbandoned !== undefined) return options.isAbandoned(key);
  return Initiated !== undefined && Date.now() - Initiated.getTime() > ABANDONED_MS;
}

async function* uploadPages(s3: S3Bucket, prefix: string, options: IoOptions) {
  let markers = {};
  yield* listPages(
    `${s3.description} (uploads)`,
    () =>
      s3.ask('', 'listing uploads', options, async ({ sdk, send, bucket }) => {
        try {
          const command = new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...markers });
          const page = await send(command);
          const { Uploads: uploads = [], NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
          markers = { KeyMarker, UploadIdMarker };
          const names = uploads.map(({ Key, UploadId }) => `${Key} ${UploadId}`);
          const nextToken = page.IsTruncated === true ? JSON.stringify(markers) : undefined;
          return { uploads, names, nextToken };
        } catch (error) {
          // Some compatible stores have no such request, and no uploads that could be left.
          if (hasStatus(error, 501)) return { uploads: [], names: [], nextToken: undefined };
          throw error;
        }
      }),
    { maxName: MAX_UPLOAD_NAME },
  );
}

/** @returns bytes freed, as far as one page of the upload's parts tells */
async function endUpload(s3: S3Bucket, { Key, UploadId }: Upload, options: IoOptions): Promise<number> {
  return s3.ask('', 'ending an upload', options, async ({ sdk, send, bucket }) => {
    const upload = { Bucket: bucket, Key, UploadId };
    try {
      const { Parts = [] } = await send(new sdk.ListPartsCommand(upload));
      await send(new sdk.AbortMultipartUploadCommand(upload));
      return Parts.reduce((sum, { Size = 0 }) => sum + Size, 0);
    } catch (error) {
      if (hasStatus(error, 404)) return 0; // it has just ended
      throw error;
    }
  });
}
