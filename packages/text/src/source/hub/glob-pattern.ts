import { DataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';

/** Characters of a pattern; what it costs to compare it with a path is bounded by it. */
const LENGTH_LIMIT = 4096;

/** A character of a path, or any number of them. */
interface Step {
  readonly kind: 'one' | 'many' | 'folders';
  readonly takes: (character: string) => boolean;
}

/**
 * Whether a path is like a glob, for lists that are no folder: `*` and `?` within a name, `**` over folders, `[…]`, `{a,b}`.
 * A pattern without any is a path, or a folder and all in it. Takes a time of the pattern's length times the path's,
 * whatever the pattern: it may come from a hub.
 * @throws DataRefError INVALID_ARGUMENT for one that is too long
 */
export function globPattern(glob: string): (path: string) => boolean {
  const isPlain = !/[*?{[]/u.test(glob);
  const choices = isPlain ? [glob, `${glob}/**`] : alternatives(glob);
  const ways = choices.map(stepsOf);
  return (path) => ways.some((steps) => isLike(path, steps));
}

/** A pattern for each choice of its braces, of which none is within another. */
function alternatives(glob: string): string[] {
  let made = [''];
  for (const part of glob.split(/(\{[^{}]*\})/u)) {
    const choices = part.startsWith('{') && part.endsWith('}') ? part.slice(1, -1).split(',') : [part];
    made = made.flatMap((start) => choices.map((choice) => start + choice));
    if (made.length * glob.length > 64 * LENGTH_LIMIT) throw tooLong(glob);
  }
  return made;
}

function stepsOf(glob: string): Step[] {
  if (glob.length > LENGTH_LIMIT) throw tooLong(glob);
  return Array.from(glob.matchAll(/\*\*\/|\*\*|\*|\[!?[^\]]+\]|[^]/gu), ([part]) => stepOf(part));
}

function stepOf(part: string): Step {
  if (part === '**/') return { kind: 'folders', takes: () => true };
  if (part === '**') return { kind: 'many', takes: () => true };
  if (part === '*') return { kind: 'many', takes: (character) => character !== '/' };
  if (part === '?') return { kind: 'one', takes: (character) => character !== '/' };
  return { kind: 'one', takes: part.length > 2 ? rangesOf(part) : (character) => character === part };
}

/** What `[a-z_]` takes, and `[!a-z_]`. */
function rangesOf(part: string): Step['takes'] {
  const isNot = part.startsWith('[!');
  const items = part.slice(isNot ? 2 : 1, -1).match(/[^]-[^]|[^]/gu) ?? [];
  const ranges = items.map((item) => Array.from(item)).map(([from = '', , to = from]) => [from, to] as const);
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== isNot;
}

/** Follows all places of the pattern at once, character by character. */
function isLike(path: string, steps: readonly Step[]): boolean {
  let places = new Set<number>();
  const reach = (place: number, into: Set<number>): void => {
    into.add(place);
    const kind = steps[place]?.kind;
    if (kind === 'many' || kind === 'folders') reach(place + 1, into); // of which there may be none
  };
  reach(0, places);
  for (const character of path) {
    const next = new Set<number>();
    for (const place of places) {
      const step = steps[place];
      if (step?.takes(character) !== true) continue;
      if (step.kind === 'one') reach(place + 1, next);
      else if (step.kind === 'many') reach(place, next);
      else if (character === '/') reach(place, next);
      else next.add(place);
    }
    places = next;
  }
  return places.has(steps.length);
}

function tooLong(glob: string): DataRefError {
  return new DataRefError(
    'INVALID_ARGUMENT',
    `the pattern ${describeValue(glob)} is too long, or has too many choices: at most ${LENGTH_LIMIT} characters`,
  );
}
