// An agent that starts: serves its last known good bundle and takes a newer one that waits for it. Killed or failed, the next start does.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { judgeState, keptRoute } from './edge-state.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeEnding } from './judge-ending.ts';
import { endedBy, type StartedProgram } from './started-program.ts';
import { type Offer, openSweptEdge } from './swept-edge.ts';
import { createFilesJudge, judgeVisits } from './undisturbed.ts';
import { until } from './until.ts';

/** In a round that only counts, for what comes late. */
const QUIET_MS = 1_500;

export const agentStart: FaultProgram = {
  name: 'agent-start',
  threads: ['pool', 'main'],
  kinds: 'turns',
  async open() {
    const edge = await openSweptEdge();
    const { stateDir, plane } = edge;
    let serving: Offer = edge.first;
    let older: Offer | undefined;
    const judgeFiles = createFilesJudge(stateDir);

    const settles = (agent: StartedProgram, offer: Offer, since: string) =>
      until(
        'the new bundle is applied',
        async () => {
          const report = plane.reports.at(-1);
          const isApplied = report?.state === 'applied' && report.applied === offer.hash && report.lkg === offer.hash;
          return agent.hasEnded() || (isApplied && (await keptRoute(stateDir)) !== since);
        },
        () => `${JSON.stringify(plane.reports.at(-1))}\n${agent.said().slice(-3_000)}`,
      );
    const first = await edge.startAgent();
    await settles(first, serving, '');
    await first.stop();
    const visitor = edge.visitor();

    return {
      folder: stateDir,
      async round(begin, kind) {
        const known = await keptRoute(stateDir);
        await edge.forgetVisits(visitor);
        const offer = await edge.publish();
        const both: [Offer, Offer] = [serving, offer];
        const agent = await edge.startAgent(join(edge.top, 'hold'));
        const tracing = await begin(agent.pid);
        agent.go();
        await settles(agent, offer, known);
        if (kind === undefined) await delay(QUIET_MS);
        await tracing.end();
        if (await endedBy(agent, kind)) {
          if (kind !== undefined) judgeEnding(agent, stateDir, kind);
          await judgeState(edge, older, both);
          const again = await edge.startAgent();
          await settles(again, offer, known);
          if (again.hasEnded()) throw new Error(`it does not start any more: ${again.said().slice(-1_000)}`);
          await again.stop();
        } else await agent.stop();
        await judgeState(edge, serving, [offer]);
        judgeVisits(await visitor.seen(), both);
        [older, serving] = both;
        if (kind === undefined) await judgeFiles();
      },
      async close() {
        await visitor.stop();
        await edge.close();
      },
    };
  },
};
