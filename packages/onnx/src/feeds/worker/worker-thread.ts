import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { DataRefError } from '@dataref/core';
import { threadOptions } from '@dataref/core/adapter';
import type { ModelBinding } from '../model-inputs.js';
import type { Answer, Beginning, Request, StateText } from './messages.js';
import { receivedError } from './sent-error.js';

/** Batches made and moved ahead of the one that is worked on. */
const AHEAD = 2;
/** How long a stream may take to close before its thread is ended all the same. */
const CLOSE_MS = 1_000;

/** What an iteration is told by its thread. */
export type Told = Extract<Answer, { readonly told: 'begun' | 'batch' | 'end' }>;

interface Waiting {
  readonly resolve: (told: Told | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Answers for one iteration, in order. */
interface Inbox {
  readonly iteration: number;
  readonly ready: Told[];
  failure: { readonly error: unknown } | undefined;
  waiting: Waiting | undefined;
}

/** The thread that makes batches. It keeps the process alive only while something is waited for. */
export class WorkerThread {
  readonly opened: Promise<{ readonly length: number | undefined; readonly state: StateText }>;
  readonly #module: string;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #exited: Promise<{ readonly error: unknown }>;
  #death: { readonly error: unknown } | undefined;
  #inbox: Inbox | undefined;
  #iterations = 0;

  constructor(module: string, model: ModelBinding) {
    const { port1, port2 } = new MessageChannel();
    this.#module = module;
    this.#port = port1;
    const workerData = { module, model, port: port2 };
    this.#worker = new Worker(new URL('./worker-program.js', import.meta.url), {
      workerData,
      transferList: [port2],
      ...threadOptions(),
    });
    let cause: unknown;
    this.#worker.on('error', (error) => (cause = error));
    this.#exited = new Promise<number>((resolve) => this.#worker.once('exit', resolve)).then((code) => {
      // What it said before comes first.
      for (let last = receiveMessageOnPort(port1); last !== undefined; last = receiveMessageOnPort(port1))
        port1.emit('message', last.message);
      port1.close();
      this.#death = { error: this.#died(code, cause) };
      this.#fail(this.#death.error);
      return this.#death;
    });
    this.opened = new Promise((resolve, reject) => {
      port1.on('message', (answer: Answer) => {
        if (answer.told === 'opened') resolve(answer);
        else if (answer.told === 'not opened') reject(receivedError(answer.error));
        else this.#receive(answer);
      });
      void this.#exited.then(({ error }) => reject(error as Error));
    });
    const rest = (): void => this.#rest();
    this.opened.then(rest, rest);
  }

  get isDead(): boolean {
    return this.#death !== undefined;
  }

  /** Begins an iteration, which ends the one before. @returns its number */
  begin(beginning: Beginning): number {
    const iteration = ++this.#iterations;
    this.#inbox = { iteration, ready: [], failure: this.#death, waiting: undefined };
    this.#ask({ ask: 'begin', iteration, beginning, batches: AHEAD });
    return iteration;
  }

  /** What comes next; undefined where the iteration was stopped. */
  next(iteration: number): Promise<Told | undefined> {
    const inbox = this.#inbox;
    if (inbox?.iteration !== iteration) return Promise.resolve(undefined);
    const told = inbox.ready.shift();
    if (told?.told === 'batch') this.#ask({ ask: 'more', iteration });
    if (told !== undefined) return Promise.resolve(told);
    if (inbox.failure !== undefined) return Promise.reject(inbox.failure.error);
    this.#worker.ref();
    this.#port.ref();
    return new Promise((resolve, reject) => (inbox.waiting = { resolve, reject }));
  }

  stop(iteration: number): void {
    if (this.#inbox?.iteration !== iteration) return;
    const { waiting } = this.#inbox;
    this.#inbox = undefined;
    this.#ask({ ask: 'stop', iteration });
    this.#rest();
    waiting?.resolve(undefined);
  }

  /** Ends the thread, when its stream has closed what it holds. */
  async close(): Promise<void> {
    this.#ask({ ask: 'close' });
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
    this.#worker.ref();
    await Promise.race([this.#exited, overdue]);
    clearTimeout(timer);
    await this.#worker.terminate();
    await this.#exited;
  }

  #ask(request: Request): void {
    if (!this.isDead) this.#port.postMessage(request, []);
  }

  #receive(answer: Exclude<Answer, { readonly told: 'opened' | 'not opened' }>): void {
    const inbox = this.#inbox;
    if (inbox?.iteration !== answer.iteration) return;
    if (answer.told === 'failure') {
      this.#fail(receivedError(answer.error));
      return;
    }
    const { waiting } = inbox;
    if (waiting === undefined) {
      inbox.ready.push(answer);
      return;
    }
    inbox.waiting = undefined;
    if (answer.told === 'batch') this.#ask({ ask: 'more', iteration: answer.iteration });
    this.#rest();
    waiting.resolve(answer);
  }

  /** Told when what came before has been taken. */
  #fail(error: unknown): void {
    if (this.#inbox === undefined) return;
    const { waiting } = this.#inbox;
    this.#inbox.failure ??= { error };
    this.#inbox.waiting = undefined;
    this.#rest();
    waiting?.reject(error);
  }

  #rest(): void {
    this.#worker.unref();
    this.#port.unref();
  }

  #died(code: number, cause: unknown): DataRefError {
    const why = cause instanceof Error ? cause.message : `it ended with exit code ${code}`;
    return new DataRefError(
      'WORKER_DIED',
      `toOrtFeeds: the worker thread of ${this.#module} is gone: ${why}. Look whether the module runs out of memory, exits, or fails outside of its promises; feeds.resume(feeds.state) goes on in a new thread`,
      { cause, details: { module: this.#module, code } },
    );
  }
}
