// `kokoa-agent join` on a new machine: settings, token, keys, the first bundle. Law: keys that were announced are never made anew, or the
// control plane would take this machine for another; the same command, given again, ends what was begun.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tokenFor } from '../../../agent/one-file.fixture.ts';
import { differenceOf, filesIn } from './edge-state.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeEnding } from './judge-ending.ts';
import { EDGE, openSweptEdge } from './swept-edge.ts';

export const agentJoin: FaultProgram = {
  name: 'agent-join',
  threads: ['pool', 'main'],
  kinds: 'turns',
  async open() {
    const edge = await openSweptEdge();
    const stateDir = join(edge.top, 'joining');
    let baseline: string[] | undefined;
    const joined = (hold?: string) =>
      edge.command(stateDir, edge.joinArguments, { input: tokenFor(EDGE), ...(hold && { hold }) });
    return {
      folder: stateDir,
      async round(begin, kind) {
        await rm(stateDir, { recursive: true, force: true });
        edge.plane.reports.length = 0;
        const program = await joined(join(edge.top, 'hold'));
        const tracing = await begin(program.pid);
        program.go();
        await program.ended();
        await tracing.end();
        if (kind !== undefined) judgeEnding(program, stateDir, kind);
        const again = await joined();
        await again.ended();
        if (again.exitCode() !== 0) throw new Error(`it does not join any more: ${again.said()}`);
        const announced = edge.plane.reports.map(({ enrolment }) => JSON.stringify(enrolment));
        if (new Set(announced).size !== 1) throw new Error(`it announced ${new Set(announced).size} sets of keys`);
        const token = await readFile(join(stateDir, 'token'), 'utf8');
        if (token !== tokenFor(EDGE)) throw new Error('the token is not the one that was given');
        const files = await filesIn(stateDir);
        baseline ??= files;
        const left = differenceOf(baseline, files);
        if (left !== '') throw new Error(`files differ: ${left}`);
      },
      close: () => edge.close(),
    };
  },
};
