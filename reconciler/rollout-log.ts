// What the log says of settings that go out in waves: each transition once, and what to do about a stop.
import type { Log } from './adapters/log.ts';
import type { Rollout } from './core/rollout/rollout.ts';
import type { RolloutEvent } from './core/rollout/rollout-event.ts';

const NAMES_MAX = 20;
const DETAIL_CHARS_MAX = 300;

export function sayRollout(log: Log, event: RolloutEvent | undefined): void {
  if (event === undefined) return;
  if (event.kind === 'stops') sayStop(log, event.rollout);
  else if (event.kind === 'at_once') log.warn({ reason: event.reason }, 'settings go out to all edges at once');
  else if (event.kind === 'reverts')
    log.info({}, 'the settings are again those that everybody has; the rollout is over');
  else if (event.kind === 'ends') log.info({ commit: event.rollout.commit }, 'settings go out to everybody');
  else log.info(facts(event.rollout), SAID[event.kind]);
}

const SAID = {
  begins: 'settings go out to a wave of edges',
  advances: 'settings go out to a wave of edges',
  soaks: 'a wave of edges has applied the settings; the soak begins',
} as const;

function sayStop(log: Log, { commit, waves, stopped }: Rollout): void {
  const { stage, code, detail = '' } = stopped?.error ?? {};
  log.warn(
    {
      ...{
        commit,
        node: stopped?.node,
        stage,
        code,
        reason: detail.slice(0, DETAIL_CHARS_MAX),
        waves: waves.length + 1,
      },
      todo: 'correct or revert the settings in kokoa.yaml; routes go on to everybody',
    },
    'an edge refuses the settings; the rollout has stopped',
  );
}

function facts({ commit, waves, wave }: Rollout) {
  const nodes = waves[wave] ?? [];
  const more = nodes.length - NAMES_MAX;
  return { commit, wave: wave + 1, of: waves.length + 1, nodes: nodes.slice(0, NAMES_MAX), ...(more > 0 && { more }) };
}
