/** Every character up to U+02FF, alone and in turn with others. */
const LETTERS = Array.from({ length: 0x300 }, (_, code) => String.fromCodePoint(code)).join('');

/** Texts that two tokenizers are unlikely to cut alike: prose, numbers, code, many scripts, emoji, space of all kinds. */
export const SAMPLE_TEXTS: readonly string[] = [
  '',
  LETTERS,
  Array.from(LETTERS).join(' '),
  'Call me Ishmael. Some years ago—never mind how long precisely—having little or no money in my purse, and nothing particular to interest me on shore, I thought I would sail about a little and see the watery part of the world.',
  "I'd've thought they'll say it's “well-known”, won't they? The QUICK brown fox; Unbelievably antidisestablishmentarian re-tokenization.",
  '0 1 12 123 1234 12345 1,234.56 3.14159e-10 0xDEADBEEF 2023-02-24T11:58:47Z $9.99 50% ½ Ⅷ ²',
  'for (let i = 0; i < n; ++i) {\n\tconst x_y = fooBar(a[i], "b\\n");\n    return x_y?.z ?? null; // TODO\n}\r\n',
  '   leading,  double   and trailing   \n\n\n \t mixed \u00a0 \u3000 space \u200b\ufeff',
  'Größe naïve façade Ωμέγα Привет, мир! שלום עולם مرحبا بالعالم नमस्ते दुनिया สวัสดีชาวโลก 안녕하세요 こんにちは世界 你好，世界！',
  'e\u0301 é ﬁ ﬀ Å Å ① ㍿ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 👋🏽 👩‍👩‍👧‍👦 🇩🇪 ❤️ 🤗',
  '[CLS] [SEP] [MASK] [UNK] <s> </s> <pad> <unk> <|endoftext|> <|im_start|> ##ing ▁the Ġthe',
  'https://example.com/a/b?c=d&e=%20#f user@example.com C:\\path\\to\\file.txt @name #tag :-) ...!!!???',
];
