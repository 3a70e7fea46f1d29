// A tokenizer that fails, ends its thread, or never ends, at texts that say so.
import tokenizer from './byte-tokenizer.mjs';

export default {
  ...tokenizer,
  encode(text) {
    if (text === 'throw') throw new Error('as told');
    if (text === 'exit') process.exit(1);
    if (text === 'die') queueMicrotask(() => void null.died);
    if (text === 'hang') for (;;);
    return tokenizer.encode(text);
  },
};
