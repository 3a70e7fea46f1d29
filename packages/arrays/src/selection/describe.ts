import { describeValue } from '@dataref/core/adapter';

/** A selection as numpy writes it, `[0, 1:5, ::2, ...]`, for messages; whatever else was given is named. */
export function describeSelection(selection: unknown): string {
  if (!Array.isArray(selection)) return describeValue(selection);
  return `[${Array.from(selection, describeIndex).join(', ')}]`;
}

export function describeShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function describeIndex(index: unknown): string {
  if (index === null) return ':';
  if (index === '...') return '...';
  if (typeof index !== 'object' || Array.isArray(index) || ArrayBuffer.isView(index)) return describeValue(index);
  const { start, stop, step } = index as Readonly<Record<string, unknown>>;
  const bound = (value: unknown): string => (value === null ? '' : describeValue(value));
  return `${bound(start)}:${bound(stop)}${step === null ? '' : `:${bound(step)}`}`;
}
