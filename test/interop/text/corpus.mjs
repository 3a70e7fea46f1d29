// Texts that tokenizers part on: prose, numbers, code, scripts, emoji, space of all kinds, nothing, and chance.
import { readFileSync } from 'node:fs';

/** Few enough to be kept with their ids. */
export const TEXTS = [
  '',
  ' ',
  '\n',
  '\n\n\n',
  '\t \t',
  'a',
  ' a',
  'a ',
  'hide new secretions from the parental units ',
  'contains no wit , only labored gags ',
  "I'd've thought they'll say it's “well-known”, won't they? We're HE'S SHE'LL",
  'The QUICK brown fox; Unbelievably antidisestablishmentarianism re-tokenization supercalifragilistic',
  '0 1 12 123 1234 12345 123456789 1,234.56 3.14159e-10 0xDEADBEEF 2023-02-24T11:58:47Z $9.99 50%',
  '½ Ⅷ ² ٣٤٥ ४५६ １２３',
  'for (let i = 0; i < n; ++i) {\n\tconst x_y = fooBar(a[i], "b\\n");\n    return x_y?.z ?? null; // TODO\n}\r\n',
  'def f(x):\n    """Doc."""\n    return [i**2 for i in range(x) if i % 2 == 0]\n\n\nprint(f(10))\n',
  '<html><body class="x">&amp; &lt;p&gt;</body></html>',
  'https://example.com/a/b?c=d&e=%20#f user@example.com C:\\path\\to\\file.txt @name #tag :-) ...!!!???',
  '   leading,  double   and trailing   \n\n\n \t mixed \u00a0nbsp \u3000ideographic \u2028line \u2003em',
  'zero\u200bwidth\u200djoiner \ufeffmark soft\u00adhyphen \u202eright-to-left\u202c',
  'control \u0000 \u0001 \u0007 \u001b[31m \u007f \u0085 \u009f \ufffd',
  'Größe naïve façade Ærøskøbing Œuvre Łódź İstanbul ıI ẞß ǅ ŉ',
  'e\u0301 é a\u030a å \u0041\u030a Å ﬁ ﬀ ① ㍿ ㎏ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ﷺ',
  'Ωμέγα ΣΊΣΥΦΟΣ Σίσυφος Привет, мир! Ёлка й и\u0306',
  'שלום עולם שָׁלוֹם مرحبا بالعالم السَّلامُ',
  'नमस्ते दुनिया क्षत्रिय বাংলা தமிழ் తెలుగు',
  'สวัสดีชาวโลก ສະບາຍດີ မြန်မာ ខ្មែរ',
  '안녕하세요 세계 \u1112\u1161\u11ab 각 \u1100\u1161\u11a8',
  'こんにちは世界、カタカナ ｶﾀｶﾅ ガ か\u3099 你好，世界！漢字 𠀀𪚥 〇々',
  '👋🏽 👩‍👩‍👧‍👦 🇩🇪 ❤️ ❤ 🤗🤗🤗 ☺️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  '[CLS] [SEP] [MASK] [UNK] <s> </s> <pad> <unk> <|im_start|> ##ing ▁the Ġthe',
  'before<|endoftext|>after <|endoftext|> <|endoftext|',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  '----------------------------------------========================================',
  'a-b_c.d,e;f:g!h?i\'j"k(l)m[n]o{p}q/r\\s|t@u#v$w%x^y&z*+~`<>=',
  '«guillemets» „low“ ‚quotes‘ — – … • · ¿¡ § ¶ † ‰ € £ ¥ ₿ × ÷ ± ≤ ≠ ∞ ∑ √ → ⇒ ▲ ■ ☃',
  'SHOUTING CamelCaseWords snake_case_words kebab-case-words iPhone15ProMax x86_64 H2O CO₂',
];

/** Scripts as Unicode 8 has them: what came later is no mark and no punctuation to `tokenizers`. */
// prettier-ignore
const RANGES = [
  [0x20, 0x7e], [0x20, 0x7e], [0x09, 0x0d], [0xa0, 0x24f], [0x300, 0x36f], [0x370, 0x377], [0x391, 0x3a1], [0x3a3, 0x52f],
  [0x5d0, 0x5ea], [0x621, 0x6ff], [0x900, 0x97f], [0x981, 0x983], [0xe01, 0xe3a], [0xe40, 0xe5b], [0xf00, 0xf47], [0x1100, 0x11ff],
  [0x2000, 0x2064], [0x2190, 0x23ff], [0x3000, 0x303f], [0x3041, 0x3096], [0x3099, 0x30ff], [0x4e00, 0x4fff], [0xac00, 0xacff],
  [0xfb50, 0xfbb1], [0xfe00, 0xfe0f], [0xff01, 0xffbe], [0x1f300, 0x1f64f], [0x20000, 0x200ff],
];

/** Texts of letters by chance, a few of each script at a time: the same for the same seed. */
export function randomTexts(count, seed) {
  let state = seed >>> 0;
  const below = (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  return Array.from({ length: count }, () => {
    let text = '';
    for (let runs = below(12); runs >= 0; runs--) {
      const [first, last] = RANGES[below(RANGES.length)];
      for (let letters = below(8); letters >= 0; letters--)
        text += String.fromCodePoint(first + below(last - first + 1));
      if (below(2) === 0) text += ' ';
    }
    return text;
  });
}

/**
 * Paragraphs and lines of this project's own pages and sources, without tables: a unigram model finds their rules of
 * many dashes equally likely in several cuts.
 */
export function projectTexts(root) {
  const read = (path) => readFileSync(new URL(path, root), 'utf8');
  const prose = ['README.md', 'CONTRIBUTING.md', 'docs/errors.md'].flatMap((path) => read(path).split('\n\n'));
  const plain = prose.filter((text) => !text.startsWith('|') && !text.includes('----'));
  const code = ['packages/core/src/errors.ts', 'packages/core/src/store/key.ts'].flatMap((path) =>
    read(path).split('\n'),
  );
  return [...plain, ...code, ...code.map((_, i) => code.slice(i, i + 20).join('\n')).filter((_, i) => i % 20 === 0)];
}
