import type { Index } from '@dataref/arrays';

/** An array in memory, as plain as can be: what arrays in storages are compared with. */
export class Model {
  shape: number[];
  #values = new Map<string, number>();

  constructor(shape: readonly number[]) {
    this.shape = [...shape];
  }

  /** Shape and values of a selection, in C order. */
  get(selection: readonly Index[]): { readonly shape: number[]; readonly values: number[] } {
    const axes = this.#axes(selection);
    return {
      shape: axes.filter(({ isNumber }) => !isNumber).map(({ places }) => places.length),
      values: product(axes.map(({ places }) => places)).map((place) => this.#values.get(place.join()) ?? 0),
    };
  }

  set(selection: readonly Index[], values: readonly number[]): void {
    const axes = this.#axes(selection);
    product(axes.map(({ places }) => places)).forEach((place, i) => {
      this.#values.set(place.join(), values[i % values.length] as number);
    });
  }

  resize(shape: readonly number[]): void {
    this.shape = [...shape];
    for (const key of this.#values.keys())
      if (key.split(',').some((at, d) => Number(at) >= (shape[d] as number))) this.#values.delete(key);
  }

  #axes(selection: readonly Index[]): { readonly places: number[]; readonly isNumber: boolean }[] {
    const dots = selection.indexOf('...');
    const missing = this.shape.length - selection.length + (dots < 0 ? 0 : 1);
    const fill = Array<Index>(missing).fill(null);
    const whole =
      dots < 0 ? [...selection, ...fill] : [...selection.slice(0, dots), ...fill, ...selection.slice(dots + 1)];
    return whole.map((index, d) => {
      const all = Array.from({ length: this.shape[d] as number }, (_, i) => i);
      if (typeof index === 'number') return { places: [all.at(index) as number], isNumber: true };
      if (index === null || index === '...') return { places: all, isNumber: false };
      const part = all.slice(index.start ?? 0, index.stop ?? undefined);
      return { places: part.filter((_, i) => i % (index.step ?? 1) === 0), isNumber: false };
    });
  }
}

function product(lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>((all, list) => all.flatMap((some) => list.map((n) => [...some, n])), [[]]);
}
