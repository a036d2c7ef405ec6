// The mark crosses versions: what one edge shows, another one expects.
import { expect, test } from 'vitest';
import { EDGE_MARK_PATH, edgeMark } from './edge-mark.ts';

test('the mark of a node is the same for everybody and always', () => {
  expect(EDGE_MARK_PATH).toBe('/.well-known/kokoa-edge');
  // printf 'kokoa-edge\ntokyo-1' | sha256sum | cut -c-32
  expect(edgeMark('tokyo-1')).toBe('2aab7f97858f70a465e20903d2998759');
  expect(edgeMark('tokyo-2')).not.toBe(edgeMark('tokyo-1'));
});
