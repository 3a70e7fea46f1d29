import type { Awaitable } from '../schema/types.js';

interface AsyncLocal<T> {
  getStore(): T | undefined;
  run<R>(store: T, body: () => R): R;
  disable(): void;
}
interface HostProcess {
  getBuiltinModule?(name: 'node:async_hooks'): { readonly AsyncLocalStorage: new <T>() => AsyncLocal<T> };
}

interface Build {
  readonly name: string;
}

let local: AsyncLocal<readonly Build[]> | undefined;
const underWay = new Set<Build>();

/** Which builds under way the code that asks is part of, outermost first; none where the runtime cannot tell. */
export function buildsAround(): readonly string[] {
  return around().map(({ name }) => name);
}

/** Runs a build, of which all that it awaits is part. */
export async function runBuild<R>(name: string, build: () => Awaitable<R>): Promise<R> {
  const host = (globalThis as { process?: HostProcess }).process;
  const { AsyncLocalStorage } = host?.getBuiltinModule?.('node:async_hooks') ?? {};
  if (AsyncLocalStorage === undefined) return build();
  local ??= new AsyncLocalStorage();
  const own = { name };
  const builds = [...around(), own];
  underWay.add(own);
  try {
    return await local.run(builds, build);
  } finally {
    underWay.delete(own);
    // As long as it is in use, Node before 24 looks at every promise that the program makes.
    if (underWay.size === 0) local.disable();
  }
}

/** What a build began, and did not await, goes on in its name when it has ended. */
function around(): readonly Build[] {
  return local?.getStore()?.filter((build) => underWay.has(build)) ?? [];
}
