import { gunzip, inflate } from 'node:zlib';
import { promisify } from 'node:util';
import { readLz4Frame } from './lz4-frame.js';
import { readPickle, type Constant } from './pickle.js';

/** What the header of an array says of its chunks. */
export interface HubChunkForm {
  readonly chunk: readonly number[];
  /** Bytes of a chunk that is decoded. */
  readonly byteLength: number;
  /** As numpy spells it in chunks: `int32`, `>i4`. */
  readonly compress: string;
}
