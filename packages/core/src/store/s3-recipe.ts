import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';

/** What of a client goes to another thread. */
export interface CloneableClient {
  readonly clientConfig: S3ClientConfig;
  /** How long its credentials are good for, in ms; undefined for ever. */
  readonly validMs: number | undefined;
}

/** Where a client's requests go and by whose right, resolved now: the chain of credentials itself cannot be cloned. */
export async function cloneableClient({ config }: S3Client): Promise<CloneableClient> {
  const [region, endpoint, credentials] = await Promise.all([
    config.region(),
    config.endpoint?.(),
    config.credentials(),
  ]);
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = credentials;
  return {
    clientConfig: {
      region,
      ...(endpoint && { endpoint: { ...endpoint } }),
      forcePathStyle: config.forcePathStyle === true,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    },
    validMs: expiration && Math.max(0, expiration.getTime() - Date.now()),
  };
}
