// DER apart: what is not in its one form is nothing.
import { expect, test } from 'vitest';
import { elementsOf } from './der.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

test.each<[string, string, number[] | undefined]>([
  ['two elements', '0201050400', [1, 0]],
  ['none', '', []],
  ['a long one', `048180${'00'.repeat(128)}`, [128]],
  ['a longer one', `04820100${'00'.repeat(256)}`, [256]],
  ['a length that would be shorter', `04817f${'00'.repeat(127)}`, undefined],
  ['a length with a zero before', `0482${'0080'}${'00'.repeat(128)}`, undefined],
  ['a length of three bytes', `0483010000${'00'.repeat(65_536)}`, undefined],
  ['no definite length', '30800000', undefined],
  ['a byte too few', '040200', undefined],
  ['half a head', '04', undefined],
  ['half a length', '0482ff', undefined],
  ['a tag of several bytes', '1f8100', undefined],
  ['more elements than anybody needs', '0500'.repeat(257), undefined],
])('%s', (_title, text, lengths) => {
  expect(elementsOf(hex(text))?.map(({ content }) => content.length)).toEqual(lengths);
});
