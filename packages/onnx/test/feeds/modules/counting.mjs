import { appendFileSync } from 'node:fs';
import { digits, schema } from './digits.mjs';

const file = new URL(import.meta.url).searchParams.get('file');
export default () =>
  digits
    .stream()
    .map(
      (record) => {
        appendFileSync(file, `${record.label}\n`);
        return record;
      },
      { schema },
    )
    .batch(1);
