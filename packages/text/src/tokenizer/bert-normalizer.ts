/** What `tokenizer.json` says of a `BertNormalizer`. */
export interface BertNormalizerConfig {
  readonly clean_text?: boolean;
  readonly handle_chinese_chars?: boolean;
  readonly strip_accents?: boolean | null;
  readonly lowercase?: boolean;
}

/** Blocks of CJK ideographs, each of which is a word; one begins 256 too late, as in Rust. */
const IDEOGRAPHS =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

/** BERT's normal form of a text as Rust's `tokenizers` has it: by code points, and lower case letter by letter. */
export function bertNormalForm(text: string, config: BertNormalizerConfig): string {
  const { clean_text: clean, handle_chinese_chars: ideographs, lowercase = false, strip_accents: strip } = config;
  let normal = text;
  if (clean === true) normal = cleaned(normal);
  if (ideographs === true) normal = normal.replaceAll(IDEOGRAPHS, ' $& ');
  if (strip ?? lowercase) normal = normal.normalize('NFD').replaceAll(/\p{Mn}/gu, '');
  return lowercase ? lowerCase(normal) : normal;
}

function cleaned(text: string): string {
  return text.replaceAll(/[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu, '').replaceAll(/\p{White_Space}/gu, ' ');
}

/** Lower case of each letter by itself: no Σ becomes the ς that ends a word. */
export function lowerCase(text: string): string {
  return text
    .split('Σ')
    .map((part) => part.toLowerCase())
    .join('σ');
}
