import { shown } from './errors.js';

/** `; did you mean "…"?` with the name that was probably meant: at most a third of its letters differ. Else ''. */
export function didYouMean(wanted: unknown, names: Iterable<string>): string {
  if (typeof wanted !== 'string') return '';
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of names) {
    const edits = editsBetween(wanted, name);
    if (edits <= Math.max(name.length < 4 ? 1 : 2, name.length / 3) && edits < (best?.edits ?? Infinity))
      best = { name, edits };
  }
  return best === undefined ? '' : `; did you mean "${shown(best.name)}"?`;
}

/** Letters put in, left out, changed, or swapped with the next one; compared without case. */
function editsBetween(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const same = from[i] === to[j] ? 0 : 1;
      const isSwapped = i > 0 && j > 0 && from[i] === to[j - 1] && from[i - 1] === to[j];
      const swapped = isSwapped ? (before[j - 1] as number) + 1 : Infinity;
      next.push(Math.min((row[j] as number) + same, (row[j + 1] as number) + 1, (next[j] as number) + 1, swapped));
    }
    before = row;
    row = next;
  }
  return row[to.length] as number;
}
