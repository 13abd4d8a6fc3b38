import { randomUUID } from 'node:crypto';

/** JSON source text to be written as it stands inside a structure that is stringified. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** Wraps JSON source text, so that `stringifyWithRaw` writes it verbatim. */
export function rawJson(text: string): RawJson {
  return new RawJson(text);
}

const TOKEN = `raw:${randomUUID()}:`;
const TOKENS = new RegExp(`"${TOKEN}(\\d+)"`, 'g');

/** JSON.stringify that writes every RawJson inside as its own text. */
export function stringifyWithRaw(value: unknown): string {
  const raws: string[] = [];
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    inner instanceof RawJson ? `${TOKEN}${raws.push(inner.text) - 1}` : inner,
  );
  if (raws.length === 0) return text;
  return text.replace(TOKENS, (_token, index: string) => raws[Number(index)] ?? 'null');
}

/** The same on one line: line breaks between the tokens of spliced source become spaces. */
export function lineWithRaw(value: unknown): string {
  return stringifyWithRaw(value).replace(/[\r\n]+/g, ' ');
}
