interface AsyncLocal<T> {
  getStore(): T | undefined;
  run<R>(store: T, body: () => R): R;
}
interface HostProcess {
  getBuiltinModule?(name: 'node:async_hooks'): { readonly AsyncLocalStorage: new <T>() => AsyncLocal<T> };
}

let local: AsyncLocal<readonly string[]> | undefined;

/** Which builds the code that asks is part of, outermost first; none where the runtime cannot tell. */
export function buildsAround(): readonly string[] {
  return local?.getStore() ?? [];
}

/** Runs a build, of which all that it awaits is part. */
export function runBuild<R>(name: string, build: () => R): R {
  const host = (globalThis as { process?: HostProcess }).process;
  const { AsyncLocalStorage } = host?.getBuiltinModule?.('node:async_hooks') ?? {};
  if (AsyncLocalStorage === undefined) return build();
  local ??= new AsyncLocalStorage();
  return local.run([...buildsAround(), name], build);
}
