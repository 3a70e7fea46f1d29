/** Letters that stand for bytes in GPT-2's kind of vocabulary: those that can be seen stand for themselves. */
const LETTERS = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isSeen = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(isSeen ? byte : next++);
  });
})();

/** The letters of a text's UTF-8. */
export function byteLetters(text: string): string {
  let letters = '';
  for (const byte of Buffer.from(text)) letters += LETTERS[byte];
  return letters;
}
