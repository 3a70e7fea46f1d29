import type { StreamState } from '@dataref/core';
import type { OrtBatch } from './types.js';

/** A batch that is handed out. Its state is made when it is asked for; a getter of its own would cost each batch more. */
export class FedBatch implements OrtBatch {
  readonly feeds: OrtBatch['feeds'];
  readonly length: number;
  readonly validLength: number;
  readonly globalLength: number;
  readonly epoch: number;
  readonly #source: Pick<OrtBatch, 'state'>;

  /** @param source what the feeds were made of */
  constructor(feeds: OrtBatch['feeds'], source: Omit<OrtBatch, 'feeds'>) {
    this.feeds = feeds;
    this.length = source.length;
    this.validLength = source.validLength;
    this.globalLength = source.globalLength;
    this.epoch = source.epoch;
    this.#source = source;
  }

  get state(): StreamState {
    return this.#source.state;
  }
}
