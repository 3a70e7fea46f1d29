import type { Item, Pass } from './pass.js';

/** A pass whose elements are looked at before they are handed out; what `check` throws is the failure of that element. */
export function checkedPass<T>(pass: Pass<T>, check: (value: T) => void): Pass<T> {
  const checked = (item: Item<T> | undefined): Item<T> | undefined => {
    if (item !== undefined) check(item.value);
    return item;
  };
  return {
    next() {
      const pulled = pass.next();
      return pulled instanceof Promise ? pulled.then(checked) : checked(pulled);
    },
    readAhead: (limits) => pass.readAhead(limits),
    close: () => pass.close(),
    get lastEpoch() {
      return pass.lastEpoch;
    },
  };
}
