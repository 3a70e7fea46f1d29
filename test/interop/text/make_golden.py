"""Trains small tokenizers and keeps what `tokenizers` makes of the texts: make_golden.py WORK FOLDER.

WORK has what `write-tokens.mjs WORK --texts` wrote; FOLDER is packages/text/test/golden.
"""

import json
import sys
from pathlib import Path

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

work, folder = Path(sys.argv[1]), Path(sys.argv[2])
prose = json.loads((work / "prose.json").read_text("utf8"))
texts = json.loads((work / "texts.json").read_text("utf8"))

wordpiece = Tokenizer(models.WordPiece(unk_token="[UNK]"))
wordpiece.normalizer = normalizers.BertNormalizer(lowercase=True)
wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
wordpiece.decoder = decoders.WordPiece()
special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
wordpiece.train_from_iterator(prose, trainers.WordPieceTrainer(vocab_size=1500, special_tokens=special, show_progress=False))
wordpiece.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
)

# As Llama 3 cuts words: its expression, then bytes.
words = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
byte_bpe = Tokenizer(models.BPE())
byte_bpe.pre_tokenizer = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(Regex(words), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
)
byte_bpe.decoder = decoders.ByteLevel()
byte_bpe.train_from_iterator(
    prose,
    trainers.BpeTrainer(
        vocab_size=1500,
        special_tokens=["<|begin_of_text|>", "<|end_of_text|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    ),
)

# As T5: normalised, `▁` for space, the likeliest pieces, an end.
unigram = Tokenizer(models.Unigram())
unigram.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
unigram.pre_tokenizer = pre_tokenizers.Metaspace()
unigram.decoder = decoders.Metaspace()
unigram.train_from_iterator(
    prose,
    trainers.UnigramTrainer(
        vocab_size=1500, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    ),
)
unigram.post_processor = processors.TemplateProcessing(
    single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
)

# As RoBERTa: GPT-2's bytes with a space before the first word, between marks.
roberta = Tokenizer(models.BPE())
roberta.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
roberta.decoder = decoders.ByteLevel()
roberta.train_from_iterator(
    prose,
    trainers.BpeTrainer(
        vocab_size=1500,
        special_tokens=["<s>", "<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    ),
)
roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))

# As many are trained by hand: lower case, words, and what is between.
words_alone = Tokenizer(models.WordPiece(unk_token="[UNK]"))
words_alone.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
words_alone.pre_tokenizer = pre_tokenizers.Whitespace()
words_alone.train_from_iterator(
    prose, trainers.WordPieceTrainer(vocab_size=1500, special_tokens=["[UNK]"], show_progress=False)
)

made = {"gpt2": Tokenizer.from_file(str(work / "gpt2.json"))}
trained = {
    "wordpiece": wordpiece,
    "byte-bpe": byte_bpe,
    "unigram": unigram,
    "roberta": roberta,
    "words": words_alone,
}
for name, tokenizer in trained.items():
    (folder / f"{name}.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False) + "\n", "utf8")
    made[name] = Tokenizer.from_file(str(folder / f"{name}.json"))
golden = {
    "madeBy": f"tokenizers {tokenizers.__version__}",
    "texts": texts,
    "ids": {name: [tokenizer.encode(text).ids for text in texts] for name, tokenizer in made.items()},
    "pairs": {name: tokenizer.encode(texts[8], texts[9]).ids for name, tokenizer in made.items()},
}
for old in folder.glob("tokenizers-*.json"):
    old.unlink()
path = folder / f"tokenizers-{tokenizers.__version__}.json"
path.write_text(json.dumps(golden, ensure_ascii=False) + "\n", "utf8")
