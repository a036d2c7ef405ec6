import { expect, test } from 'vitest';
import { shape } from './shape.ts';

test('a shape tells what has it, and where something else is wrong', () => {
  const named = shape<{ name: string }>({
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string', maxLength: 3 } },
  });
  expect([{ name: 'abc' }, { name: 'abcd' }, {}, undefined].map((value) => named(value))).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(named.mistake({ name: 'abcd' })).toMatchObject({ instancePath: '/name', keyword: 'maxLength' });
  expect(named.mistake({ name: 'abc' })).toBeUndefined();
});

test('a word that means nothing in a schema is refused at the first look, not before', () => {
  const misspelt = shape({ type: 'object', propertees: {} });
  expect(() => misspelt({})).toThrow('propertees');
});
