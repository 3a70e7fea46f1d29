import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { LeaseTimes } from '../../packages/core/dist/storage/lease-record.js';
import type { StoreRecipe } from '../../packages/core/dist/store/object-store.js';
import { run, type Ended } from '../crash/process.js';

export interface Said {
  readonly name: string;
  readonly event: 'begun' | 'waits' | 'committed' | 'served' | 'failed';
  readonly by?: string;
  readonly fingerprint?: string;
  readonly pid?: number;
}

export interface ClientOptions {
  readonly leaseTimes?: LeaseTimes;
  readonly role?: 'ask' | 'read' | 'block' | 'exit' | 'throw';
  /** What the function takes, and then the write of what it gave. */
  readonly buildMs?: number;
  readonly writeMs?: number;
  /** It does not leave before its standard input ends. */
  readonly staysUntilTold?: boolean;
}

export interface EndedClient extends Ended {
  readonly name: string;
  readonly said: readonly Said[];
}

/** A process that asks for dataset x@1, until it has been served; `onSaid` may do something to it. */
export async function client(
  recipe: StoreRecipe,
  name: string,
  options: ClientOptions,
  onSaid: (said: Said, child: ChildProcess) => void = () => undefined,
): Promise<EndedClient> {
  const said: Said[] = [];
  const script = join(import.meta.dirname, 'client.mjs');
  // The SDKs warn of versions of Node that they will not support one day.
  const args = ['--no-warnings', script, JSON.stringify({ recipe, name, ...options })];
  const ended = await run(process.execPath, args, (line, child) => {
    const one = JSON.parse(line) as Said;
    said.push(one);
    onSaid(one, child);
  });
  return { ...ended, name, said };
}

/** All ended well and were served the same, which was built by one of them. @returns whose dataset it is */
export function expectServedTheSame(clients: readonly EndedClient[]): string {
  for (const { code, signal, errors, said, name } of clients)
    expect({ name, code, signal, errors, last: said.at(-1)?.event }).toEqual({
      name,
      code: 0,
      signal: null,
      errors: '',
      last: 'served',
    });
  const served = clients.flatMap(({ said }) => said.filter(({ event }) => event === 'served'));
  expect(new Set(served.map(({ by, fingerprint }) => `${by} ${fingerprint}`)).size).toBe(1);
  return served[0]?.by as string;
}

export const count = (clients: readonly EndedClient[], event: Said['event']): number =>
  clients.flatMap(({ said }) => said.filter((one) => one.event === event)).length;
