import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One module that a file refers to. */
export interface Import {
  readonly specifier: string;
  readonly isDynamic: boolean;
}

const STATIC = /^[ \t]*(?:import|export)\b(?:[\w$\s{},*]*?\bfrom)?\s*(['"])([^'"\n]+)\1/gm;
const DYNAMIC = /\bimport\(\s*(['"])([^'"\n]+)\1/g;
const COMMENT_LINE = /^[ \t]*(?:\/\/|\/?\*).*$/gm;

/** Lists what the text of a module imports or re-exports, types included, statements before `import()` calls. */
export function importsOf(text: string): Import[] {
  const code = text.replace(COMMENT_LINE, '');
  return [
    ...Array.from(code.matchAll(STATIC), (match) => ({ specifier: match[2] as string, isDynamic: false })),
    ...Array.from(code.matchAll(DYNAMIC), (match) => ({ specifier: match[2] as string, isDynamic: true })),
  ];
}

/** Lists what the module at a path imports. */
export function importsOfFile(path: string): Import[] {
  return importsOf(readFileSync(path, 'utf8'));
}

/** Lists the TypeScript files below a folder, as sorted paths relative to it with forward slashes. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.split('/').includes('node_modules'))
    .sort();
}

/** Returns the package that a bare specifier belongs to: `@a/b/c` gives `@a/b`. */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] as string);
}

/** Reads a JSON file. */
export function readJson(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}
