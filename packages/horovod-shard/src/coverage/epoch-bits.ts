/** Which records of one epoch were seen: a bit for each. */
export class EpochBits {
  readonly #bits: Uint8Array;
  readonly #length: number;
  #seen = 0;

  constructor(length: number) {
    this.#bits = new Uint8Array(Math.ceil(length / 8));
    this.#length = length;
  }

  /** Different records that were seen. */
  get seen(): number {
    return this.#seen;
  }

  /** @param index below the length @returns whether it was seen for the first time */
  add(index: number): boolean {
    const byte = Math.floor(index / 8);
    const bit = 1 << (index % 8);
    const before = this.#bits[byte] as number;
    if ((before & bit) !== 0) return false;
    this.#bits[byte] = before | bit;
    this.#seen++;
    return true;
  }

  /** The first record that was not seen. */
  get firstUnseen(): number | undefined {
    const byte = this.#bits.findIndex((bits) => bits !== 0xff);
    if (byte < 0) return undefined;
    const bit = [0, 1, 2, 3, 4, 5, 6, 7].findIndex((place) => ((this.#bits[byte] as number) & (1 << place)) === 0);
    const index = byte * 8 + bit;
    return index < this.#length ? index : undefined;
  }
}
