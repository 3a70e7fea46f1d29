// The `tokenizer.json` of GPT-2, made of the ranks that gpt-tokenizer ships, for Python's `tokenizers`. Its merges hash to
// OpenAI's own `vocab.bpe`, which is what `tiktoken` checks too.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';

const VOCAB_BPE_SHA256 = '1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5';

/** Letters that stand for bytes: those that can be seen stand for themselves. */
const LETTERS = (() => {
  const letters = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const isSeen = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    letters.push(String.fromCodePoint(isSeen ? byte : next++));
  }
  return letters;
})();
const shown = (bytes) => Array.from(bytes, (byte) => LETTERS[byte]).join('');

const tokens = ranks.map((token) => shown(typeof token === 'string' ? Buffer.from(token) : token));
const rankOf = new Map(tokens.map((token, rank) => [token, rank]));

/** The two that became a token last: its letters, merged in the order of the ranks below its own. */
function mergeOf(token, rank) {
  const parts = Array.from(token);
  while (parts.length > 2) {
    let best = -1;
    let bestRank = rank;
    for (let i = 0; i + 1 < parts.length; i++) {
      const merged = rankOf.get(parts[i] + parts[i + 1]) ?? Infinity;
      if (merged < bestRank) [best, bestRank] = [i, merged];
    }
    parts.splice(best, 2, parts[best] + parts[best + 1]);
  }
  return parts;
}

/** The text of GPT-2's tokenizer.json, as the hub's openai-community/gpt2 has it. */
export function gpt2TokenizerJson() {
  const merges = tokens.slice(256).map((token, i) => mergeOf(token, i + 256).join(' '));
  const file = `#version: 0.2\n${merges.join('\n')}\n`;
  assert.equal(createHash('sha256').update(file).digest('hex'), VOCAB_BPE_SHA256, 'the merges of GPT-2');
  const end = '<|endoftext|>';
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      { id: 50256, content: end, single_word: false, lstrip: false, rstrip: false, normalized: true, special: true },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: { ...byteLevel, add_prefix_space: true, trim_offsets: false },
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      vocab: Object.fromEntries([...tokens, end].map((token, id) => [token, id])),
      merges,
    },
  });
}
