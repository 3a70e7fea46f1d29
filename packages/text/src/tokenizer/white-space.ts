/**
 * A regular expression whose `\s` is Unicode's White_Space, as in Rust and Oniguruma, whose tokenizers it is meant to be.
 * JavaScript's own has U+FEFF and lacks U+0085.
 */
export function withWhiteSpace(pattern: RegExp): RegExp {
  const source = pattern.source.replaceAll(/\\(?:s|S|[^sS])/gu, (part) =>
    part === String.raw`\s`
      ? String.raw`\p{White_Space}`
      : part === String.raw`\S`
        ? String.raw`\P{White_Space}`
        : part,
  );
  const flags = /[uv]/u.test(pattern.flags) ? pattern.flags : `${pattern.flags}u`;
  return source === pattern.source ? pattern : new RegExp(source, flags);
}
