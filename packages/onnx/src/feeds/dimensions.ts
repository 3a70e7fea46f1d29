import { inputError, describe, type ModelInput } from './model-inputs.js';

/** The size of one axis: known, or that of batches of which the last may be shorter, or unknown before it is read. */
export type Size = number | 'kept short' | undefined;

/** What feeds one input. */
export interface Fed {
  readonly input: ModelInput;
  /** Of the batch, rows first. */
  readonly sizes: readonly Size[];
  /** What has the sizes, for messages. */
  readonly column: string;
}

/**
 * Checks that all inputs can be fed at once: as many axes as the model has, its fixed sizes, one size for each name.
 * @throws DataRefError INVALID_ARGUMENT naming the input
 */
export function checkDimensions(all: readonly Fed[], batchSize: number): void {
  const named = new Map<string, { readonly size: number | 'kept short'; readonly input: string }>();
  for (const { input, sizes, column } of all) {
    const { name, type, shape } = input;
    const refuse = (problem: string): never => {
      throw inputError(name, `the model takes ${describe(type, shape)}, and ${problem}`, column);
    };
    if (shape.length === 0)
      refuse(
        `${column} has a row for each record: add scalars to the feeds yourself; an input of unknown rank looks so too, give it a shape in the model`,
      );
    if (shape.length !== sizes.length)
      refuse(
        `${column} comes with ${sizes.length} dimensions, [${sizes.map((size, axis) => (axis === 0 ? 'rows' : (size ?? '?'))).join(', ')}]: reshape the records with map, or take another column`,
      );
    shape.forEach((wanted, axis) => {
      const size = sizes[axis];
      if (size === undefined || wanted === '') return;
      if (typeof wanted === 'number') {
        if (size !== wanted) refuse(fixedProblem(column, axis, size, wanted, batchSize));
        return;
      }
      const other = named.get(wanted);
      named.set(wanted, other ?? { size, input: name });
      if (other !== undefined && other.size !== size)
        refuse(
          `${wanted} would be ${sizeText(other.size)} for input ${other.input} and ${sizeText(size)} for this one: one name is one size`,
        );
    });
  }
}

function fixedProblem(
  column: string,
  axis: number,
  size: number | 'kept short',
  wanted: number,
  batch: number,
): string {
  if (axis > 0) return `${column} has ${sizeText(size)} along axis ${axis} instead of ${wanted}`;
  const cure = `stream.batch(${wanted}, { remainder: 'drop' }), or 'pad' with maskInput`;
  if (size !== 'kept short') return `batches have ${size} rows: ${cure}`;
  return batch === wanted ? `the last batch may have fewer rows: ${cure}` : `batches have ${batch} rows: ${cure}`;
}

function sizeText(size: number | 'kept short'): string {
  return size === 'kept short' ? 'the rows of a batch, fewer in the last one,' : String(size);
}
