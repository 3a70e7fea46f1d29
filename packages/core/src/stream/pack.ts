import { describeValue } from '../arguments.js';
import { DataRefError, invalidArgument } from '../errors.js';
import { bestFitRows } from './best-fit.js';
import { blocks } from './blocks.js';
import { IdleTurns } from './idle-turns.js';
import { lengthOfRecord, packedRecord, rowOrigin, type Piece } from './packed-record.js';
import type { Element } from './stage.js';
import type { OpenStep } from './step-stage.js';
import type { Packing } from './transform-options.js';
import { callLengthOf, nameOrigin } from './user-function.js';

/** Records of varying length as rows of one length. */
export function pack(packing: Packing): OpenStep<unknown, Record<string, unknown>> {
  return packing.strategy === 'concatenate' ? concatenated(packing) : bestFit(packing);
}

/**
 * Records one after another, cut into rows wherever a row is full. Carries over a restart where the first record of the
 * next row begins, and how many of its positions are gone.
 */
function concatenated(packing: Packing): OpenStep<unknown, Record<string, unknown>> {
  const { length, keepsRemainder } = packing;
  return (begun) => {
    const { run, reading, after } = begun;
    let { before, count: gone } = begun;
    let open: Element | undefined;
    const idle = new IdleTurns(reading.signal);
    return {
      async next() {
        const pieces: Piece[] = [];
        let room = length;
        while (room > 0) {
          open ??= await run.next();
          if (open === undefined) break;
          const size = sizeOf(open, packing);
          const end = Math.min(size, gone + room);
          if (end > gone) pieces.push({ element: open, start: gone, end });
          room -= Math.max(0, end - gone);
          gone = end;
          if (gone < size) continue;
          before = open.after;
          open = undefined;
          gone = 0;
          await idle.next();
        }
        const [first] = pieces;
        if (first === undefined || (room > 0 && !keepsRemainder)) return undefined;
        const { epoch } = first.element;
        const { lastEpoch } = (pieces.at(-1) as Piece).element;
        // Rows are full up to the last one: those that begin with this record are so far apart.
        const origin = rowOrigin(first.element, Math.floor(first.start / length));
        return { value: packedRecord(pieces, length), origin, epoch, lastEpoch, after: after(gone, before) };
      },
    };
  };
}

/** Whole records where they fit best, block by block. */
function bestFit(packing: Packing): OpenStep<unknown, Record<string, unknown>> {
  const { length, blockSize, cutsLong } = packing;
  return blocks(blockSize, (block) => {
    const sizes = block.map((element) => {
      const size = sizeOf(element, packing);
      if (size > length && !cutsLong) throw tooLong(element, size, length);
      return size;
    });
    /** Rows so far that begin with each record. */
    const begun = new Map<Element, number>();
    return bestFitRows(sizes, length).map((row) => {
      const pieces = row.map(({ item, start, end }) => ({ element: block[item] as Element, start, end }));
      const { element } = pieces[0] as Piece;
      const number = begun.get(element) ?? 0;
      begun.set(element, number + 1);
      return { value: packedRecord(pieces, length), from: { ...element, origin: rowOrigin(element, number) } };
    });
  });
}

function sizeOf(element: Element, { lengthOf }: Packing): number {
  if (lengthOf === undefined) return lengthOfRecord(element);
  const size = callLengthOf('pack', lengthOf, element);
  const isLength = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  if (isLength && size <= lengthOfRecord(element)) return size;
  throw invalidArgument(
    `pack: lengthOf gave ${describeValue(size)} for ${nameOrigin(element.origin)}, not an integer from 0 to the size of its arrays' first axis (shape[0])`,
  );
}

function tooLong(element: Element, size: number, length: number): DataRefError {
  return new DataRefError(
    'OUT_OF_RANGE',
    `pack: ${nameOrigin(element.origin)} has ${size} positions, a row has ${length}; cut it with map, give longer rows, or longRecords: 'cut'`,
    { details: { index: element.origin.index, size, length } },
  );
}
