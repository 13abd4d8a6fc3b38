import fc from 'fast-check';
import { elementSources, jsonDepth, memberSource } from '../../platform/json-source';
import { rawJson, stringifyWithRaw } from '../../platform/raw-json';

/** JSON texts of any spelling: white space everywhere, keys that repeat. */
const spaced = fc
  .tuple(fc.jsonValue(), fc.constantFrom(0, 1, '\t', ' \n '))
  .map(([value, space]) => JSON.stringify(value, null, space as string));

describe('cutting source text out of JSON', () => {
  it('finds every member as it was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), spaced), (members) => {
        const text = `{${Object.entries(members)
          .map(([key, source]) => ` ${JSON.stringify(key)} : ${source} `)
          .join(',')}}`;
        for (const [key, source] of Object.entries(members)) {
          expect(memberSource(text, key)).toBe(source);
        }
      }),
    );
  });

  it('finds every element as it was written', () => {
    fc.assert(
      fc.property(fc.array(spaced), (elements) => {
        expect(elementSources(` [ ${elements.join(' , ')} ] `)).toEqual(elements);
      }),
    );
  });

  it('keeps big numbers and escapes, takes the last of two, and knows an escaped key', () => {
    const text = '{"data":1,"d\\u0061ta":{"n":12345678901234567890,"z":"\\u0000"},"x":2}';
    expect(memberSource(text, 'data')).toBe('{"n":12345678901234567890,"z":"\\u0000"}');
    expect(memberSource(text, 'none')).toBeNull();
    expect(memberSource('{}', 'data')).toBeNull();
  });

  it('counts how deep a text is nested, brackets in strings aside', () => {
    expect(jsonDepth('1')).toBe(0);
    expect(jsonDepth('{"a":"[[[\\"[","b":[{}]}')).toBe(3);
    expect(jsonDepth('['.repeat(1_000) + ']'.repeat(1_000))).toBe(1_000);
  });
});

describe('writing raw JSON into a structure', () => {
  it('writes the source text verbatim, whatever stands around it', () => {
    fc.assert(
      fc.property(spaced, fc.jsonValue(), (source, beside) => {
        const text = stringifyWithRaw({ beside, data: rawJson(source) });
        expect(memberSource(text, 'data')).toBe(source);
        expect(JSON.parse(text)).toEqual(
          JSON.parse(JSON.stringify({ beside, data: JSON.parse(source) })),
        );
      }),
    );
  });
});
