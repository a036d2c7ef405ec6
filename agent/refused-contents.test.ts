// A bundle that was signed for this node and cannot be accepted for what it says is named in the report, so that whoever waits for the node
// stops; one of which nobody knows who made it is not.
import { expect, it } from 'vitest';
import { eachTestItsLoop, until } from './loop.fixture.ts';
import type { Acceptance } from './ports/state.ts';
import { edgeBundle } from './verified.fixture.ts';

const OLD = edgeBundle(['a.test']);
const NEW = edgeBundle(['a.test', 'b.test']);
const HASH = 'f'.repeat(64);

const loop = eachTestItsLoop();

it.each<[string, Partial<Acceptance>, string]>([
  ['named', { code: 'malformed', configHash: HASH }, HASH],
  ['not named where anybody may have made it', { code: 'bad_signature' }, OLD.configHash],
])('is %s, and what runs goes on', async (_, refusal, offered) => {
  loop.node.state.lkg = OLD;
  loop.plane.publish(loop.node.offer(OLD));
  const { lines } = loop.start();
  await loop.reported('applied');
  const { trusted } = loop.node.machine;
  const { accept } = trusted;
  trusted.accept = async () => ({ kind: 'refused', detail: 'no', ...refusal }) as Acceptance;
  loop.plane.publish(loop.node.offer(NEW));
  expect(await loop.reported('refused')).toMatchObject({
    ...{ offered, applied: OLD.configHash, error: { stage: 'verify' } },
  });
  const hash = 'configHash' in refusal ? HASH : undefined;
  expect(lines.filter(({ message }) => message === 'refused')).toMatchObject([{ fields: { hash } }]);
  expect(loop.node.served()).toEqual(['a.test']);

  // It is read again whenever it is offered: nothing of it is condemned.
  trusted.accept = accept;
  loop.plane.publish(loop.node.offer({ ...NEW, configHash: HASH }));
  await until('applied', () => loop.lastReport().state === 'applied' && loop.lastReport().applied === HASH);
});
