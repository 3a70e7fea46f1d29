import { DataRefError, invalidArgument } from '../errors.js';
import { blockStage } from './block-stage.js';
import { bestFitRows } from './best-fit.js';
import { IdleTurns } from './idle-turns.js';
import { lengthOfRecord, packedRecord, type Piece } from './packed-record.js';
import { stepAfter, stepStart, stepStates, type Element, type Stage } from './stage.js';
import { nameOrigin } from './user-function.js';

export interface Packing {
  readonly length: number;
  readonly strategy: 'concatenate' | 'best-fit';
  /** Records that 'best-fit' looks at together. */
  readonly blockSize: number;
  readonly lengthOf: ((record: any) => number) | undefined;
  /** Whether 'best-fit' cuts a record that is longer than a row, or refuses it. */
  readonly cutsLong: boolean;
  /** Whether 'concatenate' gives a last row that is not full. */
  readonly keepsRemainder: boolean;
}

/** Records of varying length as rows of one length. */
export function packStage(input: Stage, packing: Packing): Stage {
  const { length, strategy, blockSize } = packing;
  return strategy === 'concatenate'
    ? concatenated(input, `pack(${length},concatenate)`, packing)
    : bestFit(input, `pack(${length},best-fit,${blockSize})`, packing);
}

/**
 * Records one after another, cut into rows wherever a row is full. Carries over a restart where the first record of the
 * next row begins, and how many of its positions are gone.
 */
function concatenated(input: Stage, name: string, packing: Packing): Stage {
  const { length, keepsRemainder } = packing;
  return {
    unit: input.unit,
    schema: undefined,
    functions: input.functions,
    ...stepStates({ name, input }),
    open(start, signal) {
      const begun = stepStart(start, name);
      const run = input.open(begun.input, signal);
      let before = input.locate(begun.input).node;
      let open: Element | undefined;
      let gone = begun.count;
      const idle = new IdleTurns(signal);
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
          const { origin, epoch } = first.element;
          const { lastEpoch } = (pieces.at(-1) as Piece).element;
          return {
            value: packedRecord(pieces, length),
            origin,
            epoch,
            lastEpoch,
            after: stepAfter(name, gone, before),
          };
        },
        close: () => run.close(),
      };
    },
  };
}

function bestFit(input: Stage, name: string, packing: Packing): Stage {
  const { length, blockSize, cutsLong } = packing;
  return blockStage(
    input,
    name,
    blockSize,
    () => undefined,
    (block) => {
      const sizes = block.map((element) => {
        const size = sizeOf(element, packing);
        if (size > length && !cutsLong) throw tooLong(element, size, length);
        return size;
      });
      return bestFitRows(sizes, length).map((row) => {
        const pieces = row.map(({ item, start, end }) => ({ element: block[item] as Element, start, end }));
        return { value: packedRecord(pieces, length), from: (pieces[0] as Piece).element };
      });
    },
  );
}

function sizeOf(element: Element, { lengthOf }: Packing): number {
  if (lengthOf === undefined) return lengthOfRecord(element);
  const size = lengthOf(element.value);
  if (Number.isSafeInteger(size) && size >= 0 && size <= lengthOfRecord(element)) return size;
  throw invalidArgument(
    `pack: lengthOf gave ${String(size)} for ${nameOrigin(element.origin)}, not an integer from 0 to the size of its arrays' first axis (shape[0])`,
  );
}

function tooLong(element: Element, size: number, length: number): DataRefError {
  return new DataRefError(
    'OUT_OF_RANGE',
    `pack: ${nameOrigin(element.origin)} has ${size} positions, a row has ${length}; cut it with map, give longer rows, or longRecords: 'cut'`,
    { details: { index: element.origin.index, size, length } },
  );
}
