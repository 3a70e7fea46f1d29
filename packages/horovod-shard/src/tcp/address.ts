import { isIP } from 'node:net';
import { DataRefError } from '@dataref/core';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const HOST_AND_PORT = 'host:port, such as 10.0.0.1:29600 or [::1]:29600';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where rank 0 listens: DATAREF_ADDRESS, or the port after MASTER_PORT at MASTER_ADDR, since torchrun itself listens on
 * MASTER_PORT.
 * @returns undefined where the environment does not say
 * @throws DataRefError INVALID_ARGUMENT
 */
export function addressFrom(env: Environment): Address | undefined {
  const { DATAREF_ADDRESS: address, MASTER_ADDR: host, MASTER_PORT: port } = env;
  if (address !== undefined) return parseAddress('DATAREF_ADDRESS', address);
  if (host === undefined || port === undefined) return undefined;
  return { host, port: portOf('MASTER_PORT', port, port, 65_534) + 1 };
}

/** @throws DataRefError INVALID_ARGUMENT */
export function parseAddress(what: string, address: unknown): Address {
  if (typeof address !== 'string') throw wrong(what, HOST_AND_PORT, typeof address);
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:[\]/]+)):(\d+)$/u.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw wrong(what, HOST_AND_PORT, address);
  return { host, port: portOf(what, address, port, 65_535) };
}

/**
 * What rank 0 binds. A name may stand for the loopback on its own machine, as in Debian's /etc/hosts, so all interfaces
 * are bound for one; an address is bound as it is.
 */
export function interfaceOf({ host, port }: Address): { readonly host?: string; readonly port: number } {
  return host === 'localhost' || isIP(host) > 0 ? { host, port } : { port };
}

function portOf(what: string, given: string, port: string, most: number): number {
  const number = /^\d{1,5}$/u.test(port) ? Number(port) : 0;
  if (number < 1 || number > most) throw wrong(what, `a port from 1 to ${most}`, given);
  return number;
}

function wrong(what: string, expected: string, got: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `${what}: expected ${expected}, got ${JSON.stringify(got.slice(0, 80))}`);
}
