// A running agent takes a new bundle: from verify to keep, and the answers of visitors. It must come to the new configuration by itself:
// after a kill when it is started again, after an error of the disk without that.
import { setTimeout as delay } from 'node:timers/promises';
import { judgeState, keptRoute } from './edge-state.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeLog } from './judge-log.ts';
import { endedBy } from './started-program.ts';
import { type Offer, openSweptEdge } from './swept-edge.ts';
import { createFilesJudge, judgeVisits } from './undisturbed.ts';
import { until } from './until.ts';

/** In a round that only counts, for what comes late. */
const QUIET_MS = 1_500;

export const agentChange: FaultProgram = {
  name: 'agent-change',
  threads: ['pool', 'main'],
  kinds: 'each',
  async open() {
    const edge = await openSweptEdge();
    const { stateDir, plane } = edge;
    let agent = await edge.startAgent();
    let serving: Offer = edge.first;
    let older: Offer | undefined;
    const judgeFiles = createFilesJudge(stateDir);

    const isSettled = async (offer: Offer, since: string) => {
      const report = plane.reports.at(-1);
      const isApplied = report?.state === 'applied' && report.applied === offer.hash && report.lkg === offer.hash;
      return isApplied && (await keptRoute(stateDir)) !== since;
    };
    const told = () => `${JSON.stringify(plane.reports.at(-1))}\n${agent.said().slice(-3_000)}`;
    await until('the first bundle is applied', () => isSettled(serving, ''), told);
    const visitor = edge.visitor();

    return {
      folder: stateDir,
      async round(begin, kind) {
        const [known, offset] = [await keptRoute(stateDir), agent.said().length];
        await edge.forgetVisits(visitor);
        const tracing = await begin(agent.pid);
        const offer = await edge.publish();
        const both: [Offer, Offer] = [serving, offer];
        await until('the new bundle is applied', async () => agent.hasEnded() || (await isSettled(offer, known)), told);
        if (kind === undefined) await delay(QUIET_MS);
        await tracing.end();
        if (await endedBy(agent, kind)) {
          await judgeState(edge, older, both);
          agent = await edge.startAgent();
          await until('the new bundle is applied after a restart', () => isSettled(offer, known), told);
        } else if (kind !== undefined) judgeLog(agent.said().slice(offset), stateDir, kind);
        await judgeState(edge, serving, [offer]);
        judgeVisits(await visitor.seen(), both);
        const last = await visitor.ask();
        if (last !== offer.leadsTo) throw new Error(`a visitor met ${last} in the end, expected ${offer.leadsTo}`);
        [older, serving] = both;
        if (kind === undefined) await judgeFiles();
      },
      async close() {
        await visitor.stop();
        await agent.stop();
        await edge.close();
      },
    };
  },
};
