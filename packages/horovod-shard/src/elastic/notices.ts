import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { HorovodRendezvous } from '../horovod/rendezvous.js';
import { Wire } from '../tcp/wire.js';
import { bytes, dictionary, instance, integer, list, pair, pickle, text, type Pickled } from './pickle.js';

const SCOPE = 'worker_addresses';
const NETWORK = 'horovod.runner.common.util.network';
const SERVICE = 'worker notification service';
const KEY_BYTES = 32;
const MAC_BYTES = 32;
const MAX_MESSAGE_BYTES = 1 << 14;
const REQUEST_MS = 10_000;
/** The driver makes one at a time. */
const MAX_CONNECTIONS = 16;

/**
 * Where Horovod's driver tells rank 0 that hosts were added or removed: the only way to learn of new ones.
 * @see horovod/runner/elastic/worker.py and horovod/runner/common/util/network.py of Horovod 0.28.1
 */
export class HostNotices {
  readonly #server: Server;
  readonly #key = randomBytes(KEY_BYTES);
  #hasChanged = false;

  private constructor() {
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.unref();
  }

  /** Listens, and tells the driver where. @param worker as `host:localRank` @throws DataRefError COLLECTIVE_FAILED */
  static async register(rendezvous: HorovodRendezvous, worker: string, signal?: AbortSignal): Promise<HostNotices> {
    const notices = new HostNotices();
    const host = await rendezvous.localAddress(signal);
    notices.#server.listen({ host, port: 0 });
    await once(notices.#server, 'listening');
    const { port } = notices.#server.address() as { readonly port: number };
    // The names of interfaces matter to other services of Horovod; here each of them has a list of addresses, and that is all.
    const addresses = dictionary({ dataref: list(pair(text(host), integer(port))) });
    const value = pickle(pair(addresses, bytes(notices.#key))).toString('base64');
    try {
      await rendezvous.put(SCOPE, worker, value, signal); // the driver calls back before it answers
    } catch (error) {
      notices.close();
      throw error;
    }
    return notices;
  }

  /** Whether hosts were added or removed since `forget`. */
  get hasChanged(): boolean {
    return this.#hasChanged;
  }

  forget(): void {
    this.#hasChanged = false;
  }

  close(): void {
    this.#server.close();
  }

  async #serve(socket: Socket): Promise<void> {
    const wire = new Wire(socket);
    const timer = setTimeout(() => wire.destroy(), REQUEST_MS);
    timer.unref();
    try {
      const answer = this.#answerTo(await this.#read(wire), socket.remoteAddress ?? '');
      if (answer !== undefined) await wire.write(...this.#signed(pickle(answer)));
      await wire.end(REQUEST_MS);
    } catch {
      wire.destroy(); // not the driver, or no longer there: it tries three times
    } finally {
      clearTimeout(timer);
    }
  }

  #answerTo(message: Buffer, from: string): Pickled | undefined {
    if (message.includes('HostsUpdatedRequest')) {
      this.#hasChanged = true;
      return instance(NETWORK, 'AckResponse');
    }
    if (!message.includes('PingRequest')) return undefined;
    return instance(NETWORK, 'PingResponse', { service_name: text(SERVICE), source_address: text(from) });
  }

  /** HMAC-SHA256, length as int32, pickle. @throws Error where it is not of who has the key */
  async #read(wire: Wire): Promise<Buffer> {
    const head = Buffer.alloc(MAC_BYTES + 4);
    await wire.read(head);
    const byteLength = head.readInt32LE(MAC_BYTES);
    if (byteLength < 0 || byteLength > MAX_MESSAGE_BYTES)
      throw new Error('a message of no length that the driver sends');
    const message = Buffer.alloc(byteLength);
    await wire.read(message);
    if (!timingSafeEqual(head.subarray(0, MAC_BYTES), this.#mac(message))) throw new Error('a message of a stranger');
    return message;
  }

  #signed(message: Buffer): readonly Buffer[] {
    const length = Buffer.alloc(4);
    length.writeInt32LE(message.byteLength);
    return [this.#mac(message), length, message];
  }

  #mac(message: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(message).digest();
  }
}
