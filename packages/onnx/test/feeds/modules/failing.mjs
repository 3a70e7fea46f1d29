import { digits, schema } from './digits.mjs';

/** Fails once, at label 7, or ends the whole thread, or throws beside its promises: as the URL says. */
const how = new URL(import.meta.url).searchParams.get('how');
let hasFailed = false;
export default () =>
  digits
    .stream()
    .map(
      (record) => {
        if (record.label === 7 && !hasFailed) {
          hasFailed = true;
          if (how === 'exit') process.exit(3);
          if (how === 'beside')
            setTimeout(() => {
              throw new Error('beside its promises');
            });
          throw new Error('seven');
        }
        return record;
      },
      { schema },
    )
    .batch(4);
