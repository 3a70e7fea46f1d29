import { refused } from './refused.js';

/** What one rank does together with the others: one thing after another, each awaited. */
export class OneAtATime {
  #isBusy = false;

  /** @throws DataRefError INVALID_ARGUMENT while another is under way */
  async run<T>(what: string, act: () => Promise<T>): Promise<T> {
    if (this.#isBusy) throw refused(`${what} was called while another step is under way: await each`);
    this.#isBusy = true;
    try {
      return await act();
    } finally {
      this.#isBusy = false;
    }
  }
}
