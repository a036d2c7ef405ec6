import { expect, it } from 'vitest';
import { RECORDS_MAX, understandList, understandRead, understandWrite } from './exec-answer.ts';

const RECORD = { name: 'app.hoge.com', type: 'A', ttl: 30, value: '203.0.113.1' };

it('the records of a name come together, whatever their order', () => {
  const records = [RECORD, { ...RECORD, name: 'b.hoge.com', type: 'MX' }, { ...RECORD, ttl: 20, value: '203.0.113.0' }];
  expect(understandRead({ records }, ['app.hoge.com', 'b.hoge.com'])).toEqual({
    kind: 'understood',
    value: new Map([
      ['app.hoge.com', { sets: [{ type: 'A', ttl: 20, values: ['203.0.113.0', '203.0.113.1'] }], others: [] }],
      ['b.hoge.com', { sets: [], others: ['MX'] }],
    ]),
  });
});

it('something stands where a value is none of ours', () => {
  expect(understandRead({ records: [{ ...RECORD, value: '203.0.113' }] }, ['app.hoge.com'])).toMatchObject({
    value: new Map([['app.hoge.com', { sets: [], others: ['A'] }]]),
  });
});

it('a zone has an end', () => {
  const records = Array(RECORDS_MAX + 1).fill(RECORD);
  expect(understandList({ records }, 'hoge.com')).toEqual({
    kind: 'wrong',
    mistake: `/records must NOT have more than ${RECORDS_MAX} items`,
  });
});

it.each([
  ['what does not list is no answer to a read', understandRead({ unsupported: true }, [])],
  ['what lists is no answer to a write', understandWrite({ records: [] }, [])],
  ['an error beside records is none', understandList({ records: [], error: { kind: 'refused', message: '' } }, 'x')],
  ['unsupported: false', understandList({ unsupported: false }, 'hoge.com')],
  ['a prototype', understandList(JSON.parse('{"records":[],"__proto__":{"a":1}}'), 'hoge.com')],
])('%s', (_, said) => {
  expect(said).toMatchObject({ kind: 'wrong' });
});
