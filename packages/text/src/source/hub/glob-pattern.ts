/**
 * What paths a glob is like, for lists that are no folder: `*` and `?` within a name, `**` over folders, `[…]`, `{a,b}`.
 * A pattern without any is a path, or a folder and all in it.
 */
export function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(
    /\*\*\/|\*\*|\*|\?|\{([^{}]*)\}|\[!?[^\]]+\]|[.+^$()|\\{}[\]]/gu,
    (part, choices: string | undefined) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      if (choices !== undefined) return `(?:${choices.split(',').map(starred).join('|')})`;
      if (part.startsWith('[') && part.length > 2) return part.replace('[!', '[^').replaceAll('\\', '\\\\');
      return `\\${part}`;
    },
  );
  return new RegExp(`^${source}${/[*?{[]/u.test(glob) ? '' : '(?:/.*)?'}$`, 'u');
}

function starred(choice: string): string {
  return choice.replaceAll(/[.*+?^$()|\\[\]]/gu, (part) =>
    part === '*' ? '[^/]*' : part === '?' ? '[^/]' : `\\${part}`,
  );
}
