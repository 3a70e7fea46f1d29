import { startSha256 } from '#sha256';
import type { ColumnData } from '../schema/column-data.js';
import { bytesOf } from '../schema/dtypes.js';
import { canonicalSchema, leavesOf } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';

/**
 * Hashes a dataset's content block by block; equal content gives equal text however it is cut into blocks.
 * Sizes and values have a hash each, since in one they would alternate from block to block.
 */
export class Fingerprint {
  readonly #schema: Schema;
  readonly #leaves;
  #length = 0;

  constructor(schema: Schema) {
    this.#schema = schema;
    this.#leaves = leavesOf(schema).map(({ kind }) => ({
      sizes: kind === 'fixed' ? undefined : startSha256(),
      values: startSha256(),
    }));
  }

  /**
   * Adds rows.
   * @param columns one a leaf, of equal length
   * @param checksums `rowChecksums` of the wide columns, undefined for narrow ones
   */
  add(columns: readonly ColumnData[], checksums: readonly (Uint32Array | undefined)[]): void {
    columns.forEach((column, i) => {
      const { leaf, offsets, shapes, length } = column;
      const hashes = this.#leaves[i];
      if (shapes !== undefined) hashes?.sizes?.update(bytesOf(shapes));
      else if (offsets !== undefined) hashes?.sizes?.update(bytesOf(lengthsOf(offsets, length)));
      const sums = checksums[i];
      hashes?.values.update(sums !== undefined ? bytesOf(sums) : bytesOf(column.data.subarray(0, length * leaf.size)));
    });
    this.#length += columns[0]?.length ?? 0;
  }

  /** `sha256:` and 64 hexadecimal digits. */
  digest(): string {
    const lines = ['dataref-fingerprint-1', canonicalSchema(this.#schema), String(this.#length)];
    for (const { sizes, values } of this.#leaves) {
      if (sizes !== undefined) lines.push(sizes.hex());
      lines.push(values.hex());
    }
    return sha256Text(lines.join('\n'));
  }
}

/** SHA-256 of a text's UTF-8, as `sha256:` and 64 hexadecimal digits. */
export function sha256Text(text: string): string {
  const hash = startSha256();
  hash.update(new TextEncoder().encode(text));
  return `sha256:${hash.hex()}`;
}

function lengthsOf(offsets: ArrayLike<number>, length: number): Uint32Array {
  const lengths = new Uint32Array(length);
  for (let i = 0; i < length; i++) lengths[i] = (offsets[i + 1] as number) - (offsets[i] as number);
  return lengths;
}
