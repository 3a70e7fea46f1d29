// A source of made-up text, for the tests and the programs that they start.
import { createHash } from 'node:crypto';

/** Words of a text that is always the same for the same number; each seventh is empty. */
export function textOf(number) {
  if (number % 7 === 3) return '';
  const digest = createHash('sha256').update(String(number)).digest('hex');
  return `${digest.repeat(1 + (number % 5))} ünï ${number}`;
}

/**
 * @param {Record<string, readonly (readonly (string | null)[])[]>} splits rows by split
 * @param {{ unitRows?: number, onUnit?: (split: string, id: string) => void }} [options]
 */
export function sourceOf(splits, { unitRows = 50, onUnit = () => undefined } = {}) {
  return {
    fingerprint: createHash('sha256').update(JSON.stringify(splits)).digest('hex'),
    origin: { kind: 'test' },
    splits: Object.entries(splits).map(([name, rows]) => ({
      name,
      rowCount: rows.length,
      async *units() {
        for (let start = 0; start < rows.length; start += unitRows)
          yield {
            id: `${start}`,
            async *rows() {
              onUnit(name, `${start}`);
              const unit = rows.slice(start, start + unitRows);
              for (let i = 0; i < unit.length; i += 7) yield unit.slice(i, i + 7);
            },
          };
      },
    })),
  };
}

/** Rows of one column. */
export const textRows = (count, first = 0) => Array.from({ length: count }, (_, i) => [textOf(first + i)]);
