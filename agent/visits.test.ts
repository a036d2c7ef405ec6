// The asking itself, with answers that come late, never, or to another question.
import { afterEach, describe, expect, it } from 'vitest';
import type { Chunk } from '../bundle/config.ts';
import type { Visited } from './core/visit-plan.ts';
import { type LogLine, until } from './loop.fixture.ts';
import type { KeptVisit } from './ports/visits-store.ts';
import { routeOf } from './verified.fixture.ts';
import { createVisits, type VisitsParts } from './visits.ts';

const stop: AbortController[] = [];
afterEach(() => {
  for (const one of stop.splice(0)) one.abort();
});

function open(more: Partial<VisitsParts> = {}) {
  const lines: LogLine[] = [];
  const write = (level: LogLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } });
  const asked: string[] = [];
  const answers = new Map<string, () => Promise<Visited>>();
  const written: KeptVisit[][] = [];
  const state = { inside: 0, most: 0, certified: true as boolean | undefined };
  const visits = createVisits({
    async ask(hostname) {
      asked.push(hostname);
      state.inside += 1;
      state.most = Math.max(state.most, state.inside);
      const visited = await (answers.get(hostname)?.() ?? Promise.resolve({ status: 200 }));
      state.inside -= 1;
      return visited;
    },
    holds: () => state.certified,
    store: { write: async (list) => void written.push(structuredClone([...list])) },
    kept: [],
    log: { info: write('info'), warn: write('warn') },
    now: Date.now,
    ...more,
  });
  const ending = new AbortController();
  stop.push(ending);
  return {
    ...{ visits, asked, answers, written, state, lines, ending },
    start: () => visits.run(ending.signal),
    statuses: () => visits.answers().map(({ hostname, status, failure }) => [hostname, status ?? failure]),
  };
}

const chunks = (...hostnames: string[]): Chunk[] => [{ routes: hostnames.map(routeOf) }];
const soon = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('visits', () => {
  it('asks what a change touched, once, and says so', async () => {
    const at = open();
    void at.start();
    at.visits.configure(chunks('a.test', 'b.test'), true);
    at.visits.configure(chunks('a.test', 'b.test', 'c.test'), false);
    await until('answered', () => at.visits.answers().length === 1);
    await until('told', () => at.visits.revision() === 1);
    expect(at.visits.answers()).toEqual([{ hostname: 'c.test', status: 200, since: expect.stringMatching(/Z$/) }]);
    await soon();
    expect([at.asked, at.visits.revision()]).toEqual([['c.test'], 1]);
    expect(at.lines).toEqual([
      { level: 'info', message: 'a hostname answers', fields: { hostname: 'c.test', status: 200 } },
    ]);
  });

  it('withholds the answer to the old route as soon as another is applied', async () => {
    const at = open();
    void at.start();
    at.visits.configure(chunks('a.test'), false);
    await until('answered', () => at.visits.answers().length === 1);
    at.answers.set('a.test', () => new Promise(() => undefined));
    at.visits.configure([{ routes: [{ ...routeOf('a.test'), limits: { maxBodyBytes: 1 } }] }], false);
    expect(at.visits.answers()).toEqual([]);
  });

  it('drops what comes for a route that has changed meanwhile, and asks again', async () => {
    const at = open();
    const late = Promise.withResolvers<Visited>();
    at.answers.set('a.test', () => late.promise);
    void at.start();
    at.visits.configure(chunks('a.test'), false);
    await until('asked', () => at.asked.length === 1);
    at.answers.set('a.test', async () => ({ status: 401 }));
    at.visits.configure([{ routes: [{ ...routeOf('a.test'), limits: { maxBodyBytes: 1 } }] }], false);
    late.resolve({ status: 200 });
    await until('answered', () => at.visits.answers().length === 1);
    expect([at.statuses(), at.asked.length]).toEqual([[['a.test', 401]], 2]);
    expect(at.lines.map(({ fields }) => fields)).toEqual([{ hostname: 'a.test', status: 401 }]);
  });

  it('has eight questions under way at most, whoever is silent, and many answers are few reports', async () => {
    const at = open();
    const names = Array.from({ length: 60 }, (_, index) => `n${10 + index}.test`);
    const silent = Promise.withResolvers<Visited>();
    for (const name of names.slice(0, 5)) at.answers.set(name, () => silent.promise);
    const startedMs = performance.now();
    void at.start();
    at.visits.configure(chunks(...names), false);
    await until('55 answered', () => at.visits.answers().length === 55);
    await until('told while others are silent', () => at.visits.revision() > 0);
    expect(at.visits.revision()).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - startedMs) / 500));
    silent.resolve({ status: 200 });
    await until('all answered', () => at.visits.answers().length === 60);
    expect([at.state.most, new Set(at.asked).size, at.asked.length]).toEqual([8, 60, 60]);
  });

  it('asks nobody without a certificate, and everybody when it comes', async () => {
    const at = open();
    at.state.certified = false;
    void at.start();
    at.visits.configure(chunks('a.test'), false);
    await until('told', () => at.visits.revision() === 1);
    expect([at.statuses(), at.asked]).toEqual([[['a.test', expect.stringMatching(/^no_certificate/)]], []]);
    at.state.certified = true;
    await until('answered', () => at.visits.answers()[0]?.status === 200);
    expect(at.asked).toEqual(['a.test']);
  });

  it('asks again after a failure, and logs each answer once', async () => {
    const at = open();
    at.answers.set('a.test', async () => (at.asked.length < 3 ? { failure: 'timeout: none' } : { status: 302 }));
    void at.start();
    at.visits.configure(chunks('a.test'), false);
    await expect.poll(() => at.statuses(), { timeout: 8_000 }).toEqual([['a.test', 302]]);
    expect(at.lines.map(({ message }) => message)).toEqual(['a hostname does not answer', 'a hostname answers']);
    expect(at.asked).toHaveLength(3);
  });

  it('remembers across a restart what answered, and what was still to be asked', async () => {
    const one = open();
    one.answers.set('b.test', () => new Promise(() => undefined));
    const ended = one.start();
    one.visits.configure(chunks('a.test', 'b.test'), false);
    await until('answered', () => one.visits.answers().length === 1);
    one.ending.abort();
    await ended;
    const two = open({ kept: one.written.at(-1)! });
    two.visits.configure(chunks('a.test', 'b.test', 'old.test'), true);
    expect(two.visits.answers()).toEqual(one.visits.answers());
    void two.start();
    await until('answered', () => two.visits.answers().length === 2);
    expect(two.asked).toEqual(['b.test']);
  });

  it('remembers what was applied in the moment of a stop', async () => {
    const one = open();
    const ended = one.start();
    await soon();
    one.visits.configure(chunks('a.test'), false);
    one.ending.abort();
    await ended;
    expect(one.written.at(-1)).toMatchObject([{ hostname: 'a.test' }]);
  });

  it('goes on when its memory cannot be written, and says so once', async () => {
    const at = open({
      store: {
        write: async () => {
          throw new Error('disk full');
        },
      },
    });
    void at.start();
    at.visits.configure(chunks('a.test'), false);
    await until('answered', () => at.visits.answers().length === 1);
    at.visits.configure(chunks('a.test', 'b.test'), false);
    await until('answered', () => at.visits.answers().length === 2);
    expect(at.lines.filter(({ message }) => message === 'answers cannot be kept for a restart')).toHaveLength(1);
  });
});
