// What is said arrives, once, however the forge behaves; and saying it never takes time.
import { afterEach, describe, expect, it } from 'vitest';
import { type Github, NEW_COMMENT, OLD_COMMENT, STATUS, startGithub } from '../adapters/github.fixture.ts';
import { addPull, type KeptPull } from '../adapters/github-state.fixture.ts';
import { type Forge, ForgeError } from '../ports/forge.ts';
import { createSayings, type SayingsWorker } from './sayings.ts';

interface Scene {
  github: Github;
  pull: KeptPull;
  sayings: SayingsWorker;
  counted: string[];
  lines: string[];
}

let at: Scene | undefined;
afterEach(async () => {
  at?.sayings.close();
  await at?.github.double.close();
  at = undefined;
});

async function scene(): Promise<Scene> {
  const github = await startGithub();
  const forge = github.connect();
  const [counted, lines]: [string[], string[]] = [[], []];
  const line = (_: object, text: string) => void lines.push(text);
  const sayings = createSayings({
    ...{ forge, pauseMsMin: 5 },
    log: { debug: line, info: line, warn: line },
    counted: (kind, result) => void counted.push(`${kind} ${result}`),
  });
  at = { github, pull: addPull(github.double.state), sayings, counted, lines };
  return at;
}

/** Sayings whose forge takes comments as `put` does. */
function stubborn(put: (markdown: string) => Promise<void>, pauseMsMin = 5): SayingsWorker {
  const nothing = () => undefined;
  const forge = {
    putComment: async ({ markdown }: { markdown: string }) => put(markdown).then(() => 'created' as const),
    ...{ putCheck: async () => 'created', putCommitStatus: async () => 'created' },
    putDeployment: async () => 'created',
  } as Pick<Forge, 'putComment' | 'putCheck' | 'putCommitStatus' | 'putDeployment'>;
  const log = { debug: nothing, info: nothing, warn: nothing };
  return createSayings({ forge, log, counted: nothing, pauseMsMin });
}

const comment = (pull: KeptPull, markdown: string) => ({ pullRequest: pull.number, key: 'kokoa', markdown });
const status = (pull: KeptPull, name: string, description: string) => ({
  ...{ commit: pull.head, name, description },
  state: 'success' as const,
});
const bodies = ({ github }: Scene) => github.double.state.comments.map(({ body }) => body.split('\n')[1]);

describe('sayings', () => {
  it('puts what is new, and nothing that stands there', async () => {
    const scened = await scene();
    const { sayings, pull, github } = scened;
    sayings.comment(comment(pull, 'one'));
    await sayings.idle();
    sayings.comment(comment(pull, 'one'));
    await sayings.idle();
    const asked = github.double.asked.length;
    sayings.comment(comment(pull, 'one'));
    expect([bodies(scened), sayings.waiting]).toEqual([['one'], 0]);
    await sayings.idle();
    expect(github.double.asked).toHaveLength(asked);
    expect(github.double.changes()).toEqual([NEW_COMMENT]);
    expect(scened.counted).toEqual(['comment created']);
  });

  it('of many texts for one thing that come while one is put says the newest', async () => {
    const scened = await scene();
    for (let n = 0; n < 50; n += 1) scened.sayings.comment(comment(scened.pull, `text ${n}`));
    await scened.sayings.idle();
    expect(bodies(scened)).toEqual(['text 49']);
    expect(scened.github.double.changes().length).toBeLessThanOrEqual(2);
  });

  it('says an old text again when it is true again', async () => {
    const scened = await scene();
    for (const text of ['a', 'b', 'a']) {
      scened.sayings.comment(comment(scened.pull, text));
      await scened.sayings.idle();
    }
    expect(bodies(scened)).toEqual(['a']);
    expect(scened.github.double.changes()).toEqual([NEW_COMMENT, OLD_COMMENT, OLD_COMMENT]);
  });

  it('tries again while the forge is away, and says what is true when it is back', async () => {
    const scened = await scene();
    const { sayings, pull, github } = scened;
    github.double.misbehave(STATUS, { kind: 'answer', status: 503 }, 7);
    sayings.status(status(pull, 'kokoa/publish', 'old'));
    // The adapter itself asks three times before it gives up once.
    while (!scened.counted.includes('status failed')) await new Promise((resolve) => setTimeout(resolve, 5));
    sayings.status(status(pull, 'kokoa/publish', 'new'));
    await sayings.idle();
    expect(github.double.state.statuses.map(({ description }) => description)).toEqual(['new']);
    expect(scened.counted.filter((one) => one === 'status failed').length).toBeGreaterThanOrEqual(2);
    expect(scened.lines.filter((line) => /away/.test(line))).toHaveLength(1);
    expect(scened.lines.at(-1)).toMatch(/takes what is said again/);
  });

  it('gives up what the forge refuses, and goes on with the rest', async () => {
    const scened = await scene();
    const { sayings, pull, github } = scened;
    sayings.comment({ ...comment(pull, 'to nobody'), pullRequest: 999_999 });
    sayings.comment(comment(pull, 'to somebody'));
    await sayings.idle();
    expect(bodies(scened)).toEqual(['to somebody']);
    expect(scened.counted.filter((one) => one === 'comment dropped')).toHaveLength(1);
    expect(github.double.state.comments).toHaveLength(1);
  });

  it('puts no old text over a newer one when the forge refuses the old one', async () => {
    const { pull } = await scene();
    const [put, ends]: [string[], (() => void)[]] = [[], []];
    const worker = stubborn((markdown) => {
      if (put.push(markdown) > 1) return Promise.resolve();
      return new Promise((_, reject) => ends.push(() => reject(new ForgeError('forge_not_found', 'not yet'))));
    });
    worker.comment(comment(pull, 'success'));
    worker.comment(comment(pull, 'failure'));
    ends[0]!();
    await worker.idle();
    expect(put).toEqual(['success', 'failure']);
  });

  it('lets what is forbidden wait, and nothing behind it', async () => {
    const { pull } = await scene();
    const put: string[] = [];
    const worker = stubborn(async (markdown) => {
      put.push(markdown);
      if (markdown === 'locked') throw new ForgeError('forge_forbidden', 'locked');
    }, 60_000);
    worker.comment({ ...comment(pull, 'locked'), key: 'a' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    worker.comment({ ...comment(pull, 'open'), key: 'b' });
    worker.comment({ ...comment(pull, 'open too'), key: 'c' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    worker.close();
    expect(put.filter((one) => one !== 'locked')).toEqual(['open', 'open too']);
    expect(put.filter((one) => one === 'locked').length).toBeLessThanOrEqual(2);
  });

  it('asks others first for what failed before', async () => {
    const { pull } = await scene();
    const put: string[] = [];
    const worker = stubborn(async (markdown) => {
      put.push(markdown);
      if (markdown === 'poison' && put.length < 5) throw new ForgeError('forge_down', 'too large');
    });
    worker.comment({ ...comment(pull, 'poison'), key: 'a' });
    worker.comment({ ...comment(pull, 'good'), key: 'b' });
    await worker.idle();
    expect(put.slice(0, 2)).toEqual(['poison', 'good']);
  });

  it('puts the same meaning once, whatever the words are', async () => {
    const scened = await scene();
    const { sayings, pull } = scened;
    for (const text of ['at a', 'at b']) {
      sayings.comment(comment(pull, text), 'meaning');
      await sayings.idle();
    }
    sayings.comment(comment(pull, 'at c'), 'another');
    await sayings.idle();
    expect(bodies(scened)).toEqual(['at c']);
    expect(scened.github.double.changes()).toEqual([NEW_COMMENT, OLD_COMMENT]);
  });

  it('says a failing check before the hundred deployments that waited longer', async () => {
    const scened = await scene();
    const { sayings, pull } = scened;
    for (let n = 0; n < 20; n += 1) sayings.status(status(pull, `kokoa/${n}`, 'x'));
    sayings.check({
      ...{ commit: pull.head, name: 'kokoa', outcome: 'failure', title: 'no', summary: 'no', annotations: [] },
    });
    await sayings.idle();
    const order = scened.counted.map((one) => one.split(' ')[0]);
    expect(order.indexOf('check')).toBeLessThanOrEqual(1);
    expect(order).toHaveLength(21);
  });

  it('keeps to its bound: the least important things that wait are dropped', async () => {
    const scened = await scene();
    const { sayings, pull } = scened;
    for (let n = 0; n < 2100; n += 1)
      sayings.deployment({ commit: pull.head, environment: `e${n}`, state: 'success', description: 'x' });
    expect(sayings.waiting).toBeLessThanOrEqual(2000);
    expect(scened.counted.filter((one) => one === 'deployment dropped').length).toBeGreaterThanOrEqual(99);
  });

  it('says nothing any more after its end', async () => {
    const { sayings, pull, github } = await scene();
    sayings.close();
    sayings.comment(comment(pull, 'late'));
    await sayings.idle();
    expect(github.double.asked).toEqual([]);
  });
});
