import type { Watch } from './idle-watch.js';

/** Bytes that are on their way. */
export interface Body {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends the transfer at once: no more is taken from the network. Harmless after its end. */
  cancel(): void;
}

/** What a request gives; where nobody waits for it any more, its body is let go. */
export async function awaitAnswer<A extends { readonly body: Body } | undefined>(
  asked: Promise<A>,
  watch: Watch,
): Promise<A> {
  try {
    return await watch.wait(asked);
  } catch (error) {
    asked.then(
      (late) => late?.body.cancel(),
      () => undefined,
    );
    throw error;
  }
}

/** How a body ended. More bytes than were asked for are not read. */
export type BodyEnd =
  { readonly kind: 'whole' | 'short' | 'long' } | { readonly kind: 'broken'; readonly error: unknown };

/**
 * Fills `into` from a body that should have as many bytes, and tells of each step how many there are.
 * @throws only what the watch throws; the body is canceled unless it was whole
 */
export async function fillFromBody(
  body: Body,
  into: Uint8Array,
  watch: Watch,
  onFilled: (filledBytes: number) => void,
): Promise<BodyEnd> {
  let filled = 0;
  let isWhole = false;
  try {
    const chunks = body.chunks[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await watch.wait(chunks.next());
      if (done === true) break;
      watch.heard(value.length);
      if (filled + value.length > into.length) return { kind: 'long' };
      into.set(value, filled);
      filled += value.length;
      onFilled(filled);
    }
    isWhole = filled === into.length;
    return { kind: isWhole ? 'whole' : 'short' };
  } catch (error) {
    if (watch.signal.aborted) throw error;
    isWhole = filled === into.length; // nothing is missing, whatever broke then
    return isWhole ? { kind: 'whole' } : { kind: 'broken', error };
  } finally {
    if (!isWhole) body.cancel();
  }
}
