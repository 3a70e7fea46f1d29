import { shown } from './errors.js';

/** `; did you mean "…"?` with the name that was probably meant: at most a third of its letters differ, or two that changed places. Else ''. */
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

/** Levenshtein's distance, letters compared without case. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const same = a.charAt(i).toLowerCase() === b.charAt(j).toLowerCase() ? 0 : 1;
      next.push(Math.min((row[j] as number) + same, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
