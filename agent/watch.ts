// Watches what runs: restores a killed tunnel or web server within a second or two, and managed files within a minute; the packet filter has a
// watch of its own (watch-filter.ts). Law: it looks beside the queue and touches only inside it, so that looking never delays a change.
import type PQueue from 'p-queue';
import { type Agent, changed, type Self, told } from './agent.ts';
import { attempt, type Failure } from './attempt.ts';
import { enact, mend } from './converge.ts';
import { bundleToTryAgain } from './converge-condemned.ts';
import type { Machine } from './converge-machine.ts';
import type { Made, ServedBundle } from './converge-outcome.ts';
import { pause } from './follow.ts';
import { doubled } from './pace.ts';
import { remembered, settle } from './settle.ts';
import { noteRestored, sayRestored } from './watch-restored.ts';

/** Looks until `signal` aborts. Never throws. */
export async function watch(self: Self, agent: Agent, queue: PQueue, signal: AbortSignal): Promise<void> {
  const { pace } = agent;
  let tries = 0;
  let notBefore = 0;
  for (let tick = 1; !signal.aborted; tick += 1) {
    await pause(pace.watchMs, signal);
    if (signal.aborted) return;
    if (queue.size > 0 || queue.pending > 0) continue;
    const isRare = tick % pace.filesEvery === 0;
    if (isRare) await spareCondemned(self, agent);
    await tryAgain(self, agent, queue);
    if (performance.now() < notBefore) continue;
    const files = isRare || self.missing !== undefined;
    const failure = await look(self, agent, queue, files);
    tries = failure ? tries + 1 : 0;
    notBefore = failure ? performance.now() + doubled(pace.watchMs, pace.againMs, tries) : 0;
  }
}

/** What the web server refused, when it is another one now. */
async function spareCondemned(self: Self, { machine }: Agent): Promise<void> {
  const bundle = await bundleToTryAgain(self.condemned, machine);
  if (bundle && !self.again) self.again = { bundle, at: performance.now(), tries: 0 };
}

/** What the machine could not do, once its pause is over. */
async function tryAgain(self: Self, agent: Agent, queue: PQueue): Promise<void> {
  const { again, running } = self;
  if (again && performance.now() >= again.at) {
    await queue.add(async () => {
      if (self.again === again) settle(self, agent, await enact(again.bundle, self.running, agent.machine));
    });
  }
  if (!self.unsaved || !running) return;
  const { failure } = await attempt('keep', () => agent.machine.trusted.markGood(running.configHash));
  if (failure || self.running !== running) return;
  remembered(self);
  changed(self);
}

/** Finds what differs, and has it restored. Answers what could not be. */
async function look(self: Self, agent: Agent, queue: PQueue, files: boolean): Promise<Failure | undefined> {
  const { running } = self;
  if (!running) return undefined;
  const found = await differences(running, self, agent.machine, files);
  let failure: Failure | undefined;
  if (found.length > 0) {
    await queue.add(async () => {
      if (self.running === running) failure = await restore(running, found, self, agent);
    });
  }
  note(self, failure);
  return failure;
}

type Difference = 'network' | 'unused ports' | 'web server' | 'overlay' | 'files';

/** What cannot be looked at counts as different: restoring it says why. */
async function differences(
  running: ServedBundle,
  { made }: Self,
  machine: Machine,
  files: boolean,
): Promise<Difference[]> {
  const { network, edge } = machine;
  const found: Difference[] = [];
  if (await unless(async () => !(await network.differs(running.config)))) found.push('network');
  if (network.hasPortsToClose()) found.push('unused ports');
  if (!edge || running.config.role !== 'edge') return found;
  if (await unless(() => edge.web.running())) found.push('web server');
  const overlay = edge.overlay?.(running.config, running.chunks);
  if (made.overlay !== undefined && overlay !== made.overlay) found.push('overlay');
  else if (files && (await unless(() => isAsWritten(made, edge)))) found.push('files');
  return found;
}

async function unless(isWell: () => Promise<boolean>): Promise<boolean> {
  return (await attempt('watch', isWell)).value !== true;
}

/** Our release, and not another that is as intact. */
async function isAsWritten({ release }: Made, { releases, web }: NonNullable<Machine['edge']>): Promise<boolean> {
  return (await releases.current()) === release && (await releases.intact()) && (await web.serving()) === release;
}

/** Every difference is tried, whatever becomes of the others. Answers the first that stays. */
async function restore(
  running: ServedBundle,
  found: readonly Difference[],
  self: Self,
  agent: Agent,
): Promise<Failure | undefined> {
  const { machine, log } = agent;
  const failures: (Failure | undefined)[] = [];
  const restored: string[] = [];
  for (const difference of found) {
    const { value, failure } = await attempt('watch', () => restoreOne(difference, running, self, machine));
    failures.push(failure ?? value?.failure);
    restored.push(...(value?.done ?? []));
    sayRestored(value?.done ?? [], log);
  }
  noteRestored(self, restored, machine.now());
  return failures.find((failure) => failure !== undefined);
}

interface Restoration {
  done: string[];
  failure?: Failure | undefined;
}

async function restoreOne(
  difference: Difference,
  running: ServedBundle,
  self: Self,
  machine: Machine,
): Promise<Restoration> {
  const { network, edge } = machine;
  switch (difference) {
    case 'network':
      return { done: await network.repair(running.config) };
    case 'unused ports':
      // Nobody else's change: a route that moved away left them open for a moment.
      await network.repair(running.config);
      return { done: [] };
    case 'web server':
      if (!edge || (await edge.web.running())) return { done: [] };
      await edge.web.reload();
      return { done: ['started the web server'] };
    case 'overlay':
    case 'files': {
      const { value, failure } = await mend(running, machine);
      if (failure) return { done: [], failure };
      self.made = value;
      // Nobody else's change: a certificate that hosts waited for came, or a backend fell or rose.
      return { done: difference === 'files' ? ['wrote managed files'] : [] };
    }
  }
}

/** A report and one log line for each transition. */
function note(self: Self, failure: Failure | undefined): void {
  if (failure?.code !== self.missing?.code) changed(self);
  if (failure) {
    self.missing = { ...failure, stage: 'watch' };
    self.news.trouble('missing', failure.code, told(self.missing), 'cannot restore the node; will try again');
  } else if (self.missing) {
    delete self.missing;
    self.news.over('missing', 'the node is whole again');
  }
}
