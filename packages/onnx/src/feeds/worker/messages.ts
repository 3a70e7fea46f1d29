import type { PlainFeeds } from '../batch-feeds.js';
import type { ModelBinding } from '../model-inputs.js';

/** A state as JSON. */
export type StateText = string;

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly module: string;
  readonly model: ModelBinding;
  readonly port: MessagePort;
}
type MessagePort = import('node:worker_threads').MessagePort;

/** Where an iteration begins: where the stream stands, or where a state says, or with the epoch after the batch that follows a state. */
export type Beginning =
  | { readonly at: 'here' }
  | { readonly at: 'state'; readonly state: StateText | undefined }
  | { readonly at: 'epoch after'; readonly before: StateText };

/** What the worker is asked for. Iterations are numbered, so that nothing meant for one is taken for another. */
export type Request =
  | { readonly ask: 'begin'; readonly iteration: number; readonly beginning: Beginning; readonly batches: number }
  | { readonly ask: 'more'; readonly iteration: number }
  | { readonly ask: 'stop'; readonly iteration: number }
  | { readonly ask: 'close' };

/** A batch on its way to another thread. */
export interface SentBatch {
  readonly feeds: PlainFeeds;
  readonly length: number;
  readonly validLength: number;
  readonly globalLength: number;
  readonly epoch: number;
  readonly state: StateText;
}

/** An error on its way to another thread. */
export interface SentError {
  readonly code: string | undefined;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What the worker answers. `skipped` is the stream's. */
export type Answer =
  | { readonly told: 'opened'; readonly length: number | undefined; readonly state: StateText }
  | { readonly told: 'not opened'; readonly error: SentError }
  | { readonly told: 'begun'; readonly iteration: number; readonly state: StateText }
  | { readonly told: 'batch'; readonly iteration: number; readonly batch: SentBatch; readonly skipped: number }
  | { readonly told: 'end'; readonly iteration: number; readonly state: StateText; readonly skipped: number }
  | { readonly told: 'failure'; readonly iteration: number; readonly error: SentError };
