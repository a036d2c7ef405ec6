import { expect, test } from 'vitest';
import { KokoaError } from '../../bundle/error.ts';
import { agentCommand } from './agent-command.ts';
import { shownFailure } from './failure.ts';

test('a long message and its hint are folded at 80 columns, and what is to be copied stays whole', () => {
  const path = `/${'x'.repeat(90)}`;
  const hint = `take it away first (kokoa-agent leave), or give this one a directory of its own by --state\nsee ${path}`;
  const shown = shownFailure(
    new KokoaError('not_joined', `there is no readable ${path} on this machine, and more words`, { hint }),
  );
  const rows = shown.split('\n');
  expect(rows).toEqual([
    'error: there is no readable',
    `  ${path}`,
    '  on this machine, and more words (not_joined)',
    '  take it away first (kokoa-agent leave), or give this one a directory of its',
    '  own by --state',
    '  see',
    `  ${path}`,
  ]);
  expect(shownFailure(new Error('short'))).toBe('error: short');
});

test.each([
  ['/var/lib/kokoa', undefined, 'kokoa-agent run'],
  ['/srv/two', undefined, 'kokoa-agent --state /srv/two run'],
  ['/srv/two', '/srv/two', 'kokoa-agent run'],
  ["/srv/my node's", undefined, "kokoa-agent --state '/srv/my node'\\''s' run"],
])('a command for %s names it where it must', (stateDir, env, expected) => {
  const before = process.env.KOKOA_STATE;
  delete process.env.KOKOA_STATE;
  if (env !== undefined) process.env.KOKOA_STATE = env;
  expect(agentCommand(stateDir, 'run')).toBe(expected);
  delete process.env.KOKOA_STATE;
  if (before !== undefined) process.env.KOKOA_STATE = before;
});
