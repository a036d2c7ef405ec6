// The agent of `kokoa-agent run`, on a state directory that has joined, with shorter pauses after failures: a sweep has many of them.
//   node hurried-agent.ts DIR

import { lockState } from '../../../agent/adapters/state-lock.ts';
import { interruption } from '../../../agent/cli/interruption.ts';
import { openJoined } from '../../../agent/cli/open-joined.ts';
import { followControlPlane } from '../../../agent/loop.ts';
import { failureText } from '../../../bundle/error.ts';

const HURRY = { retryMs: 100, watchMs: 200, againMs: 200, againMsMax: 400, revisionMs: 50 };
const stateDir = process.argv[2] ?? '';

try {
  const node = await openJoined(stateDir);
  const lock = await lockState(stateDir);
  await followControlPlane({ ...node, pace: { ...node.pace, ...HURRY } }, interruption());
  lock.release();
} catch (error) {
  console.error(failureText(error));
  process.exitCode = 1;
}
process.exit();
