export { openCatalog, type Catalog } from './catalog.js';
export type { BlobBytes } from './blob/bytes.js';
export type { SaveBlobOptions, SaveOptions, WriteOptions } from './options.js';
export type { Metadata } from './record/types.js';
export type { BlobInfo, Filter, TableInfo, VersionInfo } from './record/version-info.js';
export type { Table } from './table/table.js';
export type { IoOptions } from '@dataref/core';
