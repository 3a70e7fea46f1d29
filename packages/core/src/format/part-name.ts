/** `00000012`: the name of a part's files without their ending. */
export function partName(number: number): string {
  return String(number).padStart(8, '0');
}
