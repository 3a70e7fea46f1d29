import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { orAbort } from '@dataref/core/adapter';
import { failed } from '../collective/checks.js';
import { receive, type Guest } from './handshake.js';
import type { Peer } from './hub.js';
import { Wire } from './wire.js';

/** A connection that says nothing of use is dropped. */
const HANDSHAKE_MS = 10_000;
/** So many may be at it at once beyond the ranks themselves: of more, the one that has been at it longest is dropped. */
const SPARE_HANDSHAKES = 64;
const REFUSALS_SHOWN = 5;

interface Seat extends Peer {
  readonly guest: Guest;
}

/** Where the ranks of a job meet: rank 0 listens, and the others come in any order. */
export class Gathering {
  readonly #size: number;
  readonly #secret: string;
  readonly #server: Server;
  readonly #atHandshake = new Set<Wire>();
  readonly #seats = new Map<number, Seat>();
  readonly #refusals = new Set<string>();
  readonly #since = performance.now();
  #tellFull: () => void = () => undefined;

  private constructor(size: number, secret: string) {
    this.#size = size;
    this.#secret = secret;
    this.#server = createServer((socket) => void this.#admit(socket));
  }

  /** @throws Error of the system: the address is taken, or not one of this machine */
  static async at(
    { host, port }: { readonly host?: string; readonly port: number },
    { size, secret }: { readonly size: number; readonly secret: string },
  ): Promise<Gathering> {
    const gathering = new Gathering(size, secret);
    gathering.#server.listen({ ...(host !== undefined && { host }), port });
    await once(gathering.#server, 'listening');
    return gathering;
  }

  get port(): number {
    return (this.#server.address() as { readonly port: number }).port;
  }

  /**
   * The other ranks, when all have come. Nobody is let in after them.
   * @param timeoutMs since rank 0 listens
   * @throws DataRefError COLLECTIVE_FAILED
   */
  async peers(timeoutMs: number, signal: AbortSignal | undefined): Promise<readonly Peer[]> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const full = new Promise<void>((resolve, reject) => {
        this.#tellFull = resolve;
        const leftMs = timeoutMs - (performance.now() - this.#since);
        timer = setTimeout(() => reject(failed(this.#whoIsMissing(timeoutMs))), leftMs);
        if (this.#seats.size === this.#size - 1) resolve();
      });
      await orAbort(full, signal);
      const seats = [...this.#seats.values()].sort((a, b) => a.rank - b.rank);
      // Who dies just now is found by its first call.
      for (const { guest } of seats) guest.welcome().catch(() => undefined);
      return seats;
    } catch (error) {
      this.abandon(error instanceof Error ? error.message : 'rank 0 was stopped');
      throw error;
    } finally {
      clearTimeout(timer);
      this.#close();
    }
  }

  /** Sends away who has come. */
  abandon(reason: string): void {
    for (const { wire, guest } of this.#seats.values()) void turnAway(wire, guest, reason);
    this.#close();
  }

  #close(): void {
    this.#server.close();
    for (const wire of this.#atHandshake) wire.destroy();
  }

  async #admit(socket: Socket): Promise<void> {
    const wire = new Wire(socket);
    const [oldest] = this.#atHandshake;
    if (this.#atHandshake.size >= this.#size + SPARE_HANDSHAKES) oldest?.destroy();
    this.#atHandshake.add(wire);
    const timer = setTimeout(() => wire.destroy(), HANDSHAKE_MS);
    try {
      await this.#seat(wire, await receive(wire, this.#secret));
    } catch (error) {
      this.#note(`${socket.remoteAddress ?? 'a connection'}: ${(error as Error).message}`);
      wire.destroy();
    } finally {
      clearTimeout(timer);
      this.#atHandshake.delete(wire);
    }
  }

  async #seat(wire: Wire, guest: Guest): Promise<void> {
    const { rank, size } = guest;
    const objection = this.#objectionTo(guest);
    if (objection !== undefined) {
      this.#note(`rank ${rank} of ${size}: ${objection}`);
      await turnAway(wire, guest, objection);
      return;
    }
    const frame = wire.readFrame();
    frame.catch(() => {
      if (this.#seats.get(rank)?.wire === wire) this.#seats.delete(rank); // it may come again
    });
    this.#seats.set(rank, { rank, wire, guest, frame });
    if (this.#seats.size === this.#size - 1) this.#tellFull();
  }

  #objectionTo({ rank, size }: Guest): string | undefined {
    if (size !== this.#size) return `its world has ${size} ranks, that of rank 0 has ${this.#size}`;
    if (rank === 0 || rank >= size) return `ranks here are from 1 to ${this.#size - 1}`;
    return this.#seats.has(rank) ? `rank ${rank} is there already` : undefined;
  }

  #note(refusal: string): void {
    if (this.#refusals.size < REFUSALS_SHOWN) this.#refusals.add(refusal);
  }

  #whoIsMissing(timeoutMs: number): string {
    const missing = Array.from({ length: this.#size - 1 }, (_, i) => i + 1).filter((rank) => !this.#seats.has(rank));
    const refused = this.#refusals.size === 0 ? '' : `; refused were ${[...this.#refusals].join('; ')}`;
    const who = `rank${missing.length > 1 ? 's' : ''} ${missing.join(', ')} of ${this.#size}`;
    return `${who} did not come to port ${this.port} of rank 0 within ${timeoutMs / 1000} s${refused}`;
  }
}

async function turnAway(wire: Wire, guest: Guest, reason: string): Promise<void> {
  await guest.refuse(reason).catch(() => undefined); // it may be gone
  await wire.end(HANDSHAKE_MS);
}
