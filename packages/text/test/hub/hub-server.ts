import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A repository: its files, and what else the hub knows of it. */
export interface HubRepository {
  readonly type: 'dataset' | 'model';
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  /** The head of its README, for datasets. */
  readonly card?: object;
  /** What the hub converted to Parquet. */
  readonly converted?: Readonly<Record<string, Uint8Array>>;
  /** Who may see it; undefined: all. */
  readonly token?: string;
  /** Known by this name too. */
  readonly alias?: string;
}

/** What a request for a file's bytes does in place of a whole answer; by its number from 0. */
export type Fault = 'cut' | 'unavailable' | 'damaged' | 'no-ranges' | undefined;

const PAGE = 2;

/** A server with those endpoints of Hugging Face's hub that datasets and tokenizers are fetched by. */
export class HubServer {
  readonly repositories: readonly HubRepository[];
  /** Paths that were asked for, in their order, with their ranges. */
  readonly requests: string[] = [];
  fault: (download: number) => Fault = () => undefined;
  /** Ends once bytes up to `end` of a file have come to where they go: what a cut connection still holds is lost. */
  beforeCut: (end: number) => Promise<void> = async () => undefined;
  #downloads = 0;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  constructor(...repositories: readonly HubRepository[]) {
    this.repositories = repositories;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Downloads of files that were asked for, and from which byte. */
  get downloads(): string[] {
    return this.requests.filter((request) => request.startsWith('/cdn/'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    const range = request.headers.range;
    this.requests.push(range === undefined ? pathname : `${pathname} ${range}`);
    const path = decodeURIComponent(pathname);
    if (path.startsWith('/cdn/')) return this.#send(path, request, response);
    const api = /^\/api\/(dataset|model)s\/(.+?)\/(revision|tree)\/(refs\/convert\/parquet|[^/]+)$/u.exec(path);
    const resolve = /^\/(datasets\/)?([^/]+(?:\/[^/]+)?)\/resolve\/(refs\/convert\/parquet|[^/]+)\/(.+)$/u.exec(path);
    const [type, name, revision] = api
      ? [api[1], api[2], api[4]]
      : [resolve?.[1] === undefined ? 'model' : 'dataset', resolve?.[2], resolve?.[3]];
    const found = this.repositories.find((some) => some.type === type && (some.name === name || some.alias === name));
    if (found !== undefined && found.alias === name && name !== found.name)
      return redirect(response, (request.url ?? '').replace(`/${name}/`, `/${found.name}/`), 307);
    const isHidden = found?.token !== undefined && request.headers.authorization !== `Bearer ${found.token}`;
    if (found === undefined || isHidden)
      return json(response, request.headers.authorization === undefined ? 401 : 404, { error: 'Repository not found' });
    const files = filesAt(found, String(revision));
    if (files === undefined) return json(response, 404, { error: `Invalid rev id: ${revision}` });
    if (api?.[3] === 'revision')
      return json(response, 200, {
        _id: '1',
        id: found.name,
        private: found.token !== undefined,
        sha: commitOf(files),
        cardData: found.card,
        lastModified: '2024-01-01T00:00:00.000Z',
      });
    if (api?.[3] === 'tree') return this.#list(files, searchParams, request, response);
    const bytes = files[String(resolve?.[4])];
    if (bytes === undefined)
      return json(response, 404, { error: 'Entry not found' }, { 'X-Error-Code': 'EntryNotFound' });
    const host = this.url.replace('127.0.0.1', 'localhost'); // another origin, as a content delivery network is
    return redirect(response, `${host}/cdn/${hashOf(String(resolve?.[4]), bytes)}`, 302, {
      'X-Linked-Size': String(Buffer.from(bytes).length),
      'X-Linked-ETag': `"${hashOf(String(resolve?.[4]), bytes)}"`,
      'X-Repo-Commit': commitOf(files),
      ETag: `"${hashOf(String(resolve?.[4]), bytes)}"`,
    });
  }

  #list(files: Files, search: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    const folders = Object.keys(files).flatMap((path) =>
      path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : [],
    );
    const entries = [
      ...Array.from(new Set(folders), (path) => ({ type: 'directory', oid: '0'.repeat(40), size: 0, path })),
      ...Object.entries(files).map(([path, bytes]) => entryOf(path, bytes)),
    ].filter(({ path }) => search.get('recursive') === 'true' || !path.includes('/'));
    const start = Number(search.get('cursor') ?? 0);
    const next = new URL(request.url ?? '', this.url);
    next.searchParams.set('cursor', String(start + PAGE));
    const more = start + PAGE < entries.length ? { Link: `<${next.href}>; rel="next"` } : {};
    json(response, 200, entries.slice(start, start + PAGE), more);
  }

  #send(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.authorization !== undefined)
      return json(response, 400, { error: 'a token was sent to another host' });
    const all = this.repositories.flatMap(({ files, converted = {} }) => [
      ...Object.entries(files),
      ...Object.entries(converted),
    ]);
    const found = all.find(([name, bytes]) => path === `/cdn/${hashOf(name, bytes)}`);
    const fault = this.fault(this.#downloads++);
    if (fault === 'unavailable' || found === undefined) return json(response, found === undefined ? 404 : 503, {});
    const bytes = Buffer.from(found[1]);
    if (fault === 'damaged') bytes[bytes.length - 1] = 255 - Number(bytes.at(-1));
    const start = fault === 'no-ranges' ? 0 : Number(/^bytes=(\d+)-$/u.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      'Content-Length': bytes.length - start,
      ...(start > 0 && { 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (fault !== 'cut') return void response.end(bytes.subarray(start));
    const half = start + Math.ceil((bytes.length - start) / 2);
    response.write(bytes.subarray(start, half), () => void this.beforeCut(half).then(() => response.destroy()));
  }
}

type Files = Readonly<Record<string, Uint8Array | string>>;

function filesAt({ files, converted }: HubRepository, revision: string): Files | undefined {
  if (revision === 'main' || revision === commitOf(files)) return files;
  return revision === 'refs/convert/parquet' || (converted !== undefined && revision === commitOf(converted))
    ? converted
    : undefined;
}

export function commitOf(files: Files): string {
  const hash = createHash('sha1');
  for (const [path, bytes] of Object.entries(files)) hash.update(path).update(bytes);
  return hash.digest('hex');
}

/** Parquet is kept by LFS, known by its SHA-256; all else by git, as a blob. */
function hashOf(path: string, bytes: Uint8Array | string): string {
  if (path.endsWith('.parquet')) return createHash('sha256').update(bytes).digest('hex');
  return createHash('sha1')
    .update(`blob ${Buffer.from(bytes).length}\0`)
    .update(bytes)
    .digest('hex');
}

function entryOf(path: string, bytes: Uint8Array | string): { readonly path: string; readonly [key: string]: unknown } {
  const size = Buffer.from(bytes).length;
  const hash = hashOf(path, bytes);
  const isLarge = path.endsWith('.parquet');
  return {
    type: 'file',
    path,
    size,
    oid: isLarge ? '1'.repeat(40) : hash,
    ...(isLarge && { lfs: { oid: hash, size, pointerSize: 130 } }),
  };
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function redirect(response: ServerResponse, to: string, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { Location: to, ...headers }).end();
}
